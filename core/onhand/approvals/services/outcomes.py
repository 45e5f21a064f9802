"""What asking and deciding answer: facts and refusals."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from onhand.approvals.kinds import ApprovalRequest
from onhand.approvals.models import Approval as Row
from onhand.approvals.services.weighing import Step

__all__ = ["Asked", "Decided", "Refused", "Status", "asked", "decided"]

Status = Literal["pending", "approved", "returned", "rejected", "withdrawn"]
Why = Literal[
    "unknown_kind", "invalid", "reason", "key_reused", "not_applied", "unknown", "settled", "changed", "outdated",
    "not_yours", "bulk_limit", "nobody", "own_request", "counted_already", "no_authority", "twice",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was taken up: in effect already (`approved`), or waiting for the consents in `steps`.

    `result` is what its kind answered when it was applied.
    """

    id: UUID
    status: Status
    version: int
    steps: tuple[Step, ...] = ()
    href: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that counts. While `status` is pending, `waiting_role` is whose consent is needed next."""

    id: UUID
    status: Status
    version: int
    waiting_role: str | None = None
    href: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, and nothing changed, but where `why` is `outdated`: then `version` and `now` are the new ones to judge."""

    why: Why
    detail: str
    id: UUID | None = None
    version: int | None = None
    now: ApprovalRequest | None = None


def asked(row: Row) -> Asked:
    """Return a row as the answer to who asked."""
    steps = tuple(Step(step["tier"], step["role"]) for step in row.steps)
    return Asked(row.id, row.status, row.version, steps, row.href, row.result or {})  # type: ignore[arg-type]  # a column of checked words


def decided(row: Row) -> Decided:
    """Return a row as the answer to who decided."""
    return Decided(row.id, row.status, row.version, row.waiting_role, row.href, row.result or {})  # type: ignore[arg-type]  # a column of checked words
