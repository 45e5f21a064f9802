"""What passes between approvals and the add-on whose change is to be approved: frozen data and two callables."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.actors import Actor

__all__ = [
    "Amendment", "Applied", "Apply", "Approval", "ApprovalRequest", "Change", "NotApplied", "Proof", "Recheck", "Revise",
]  # fmt: skip

Value = str | int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of before → after, as people read it. A number is a quantity in base units unless `unit` says otherwise."""

    label: str
    before: Value
    after: Value
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Something that speaks for the request: what it says, and the page of this site that shows it."""

    label: str
    value: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """Something somebody wants done.

    `key` names the wish: asking again under it returns the first answer. Without an entity it concerns the whole group.
    `quantity` (base units) and `amount_minor` (in `currency`) are what rules weigh, by their size, whatever the sign.
    `location` is the location's code and `subject` (`item:7`) what it is about: requests of one person that agree in
    kind, entity, location and subject are added up against splitting. `payload` is the kind's own, handed back to it.
    `fields` are what it changes, as `<kind>.<field>`, or whole kinds: whoever owns any of them must agree. None: the kind.
    """

    kind: str
    key: str
    title: str
    entity_id: int | None
    location_id: int | None = None
    location: str | None = None
    subject: str | None = None
    quantity: int | None = None
    amount_minor: int | None = None
    currency: str | None = None
    changes: tuple[Change, ...] = ()
    atp_before: int | None = None
    atp_after: int | None = None
    evidence: tuple[Proof, ...] = ()
    payload: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    note: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """A request on its way, as its kind sees it. `approvers` are the names of those who agreed to this version."""

    id: UUID
    version: int
    request: ApprovalRequest
    requester: Actor
    asked_at: datetime
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """Done. `href` is a page that shows the effect; `result` is kept with the approval."""

    href: str | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotApplied:
    """It cannot be done as things are, and nothing of it was: say what is the case and what to do."""

    detail: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """What a requester wants instead; None: as it was. `quantity` and `amount_minor` have their sign.

    `reason` and `location` are codes; a location of the same entity.
    """

    quantity: int | None = None
    amount_minor: int | None = None
    note: str | None = None
    reason: str | None = None
    location: str | None = None

    @property
    def is_more_than_a_note(self) -> bool:
        """Whether what is asked for itself changes, so that its kind must say what that means."""
        return any(one is not None for one in (self.quantity, self.amount_minor, self.reason, self.location))


class Apply(Protocol):
    """Carry out what was approved, in the transaction of the last decision."""

    def __call__(
        self, session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime
    ) -> Sequence[Applied | NotApplied]:
        """Write the effects and answer one by one, in order.

        For NotApplied nothing may have been written: the decision is then refused with its detail. Raising undoes the
        whole transaction.
        """


class Recheck(Protocol):
    """Look at the world again, just before a decision counts. Never write."""

    def __call__(
        self, session: Session, approvals: Sequence[Approval], *, now: datetime
    ) -> Sequence[ApprovalRequest | NotApplied | None]:
        """Answer one by one, in order.

        None: what was asked still fits. A request: as it would have to be asked now; the decision is refused, the new
        numbers are shown, and approvals given so far are void. NotApplied: it can no longer be done.
        """


class Revise(Protocol):
    """Say what is asked for when who asked wants something else, and keep it where `apply` will look for it."""

    def __call__(
        self, session: Session, wishes: Sequence[tuple[Approval, Amendment]], *, now: datetime
    ) -> Sequence[ApprovalRequest | NotApplied]:
        """Answer one by one, in order: the request as it is asked now, on the numbers of now, or why it cannot be.

        What it writes is undone where its answer, or the request, is refused.
        """
