"""What was reported, named by what it says: the same report has the same name however often it is delivered."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from hashlib import blake2b
from typing import Any

from onhand.events import Cause

__all__ = ["Reported", "as_json", "distinct"]


@dataclass(frozen=True, slots=True)
class Reported:
    """A cause as one kind reported it, and its name."""

    cause: Cause
    digest: bytes

    @property
    def place(self) -> tuple[Any, bytes]:
        """Its place among the reports of its cause, the same in every order of delivery."""
        return (self.cause.occurred_at, self.digest)


def distinct(causes: Iterable[Cause], kind: str) -> list[Reported]:
    """Return each report once, ordered by key and then by when it occurred.

    A report is named by its evidence's `id` where it has one, else by everything it says.
    """
    by_name = {(cause.key, _digest(cause, kind)): cause for cause in causes}
    reports = [Reported(cause, digest) for (_, digest), cause in by_name.items()]
    return sorted(reports, key=lambda report: (report.cause.key, *report.place))


def as_json(evidence: dict[str, Any]) -> str:
    """Return evidence as text with one spelling: keys sorted, what JSON lacks written as text."""
    return json.dumps(evidence, sort_keys=True, separators=(",", ":"), default=str)


def _digest(cause: Cause, kind: str) -> bytes:
    if "id" in cause.evidence:
        said: list[Any] = [kind, str(cause.evidence["id"])]
    else:
        occurred_at = cause.occurred_at.astimezone(UTC).isoformat()
        said = [kind, occurred_at, cause.quantity, as_json(cause.evidence)]
    return blake2b(json.dumps(said).encode(), digest_size=16).digest()
