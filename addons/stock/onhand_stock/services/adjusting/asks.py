"""What is asked when somebody wants stock adjusted, and what is answered."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

__all__ = ["Adjust", "Adjusted", "NotAdjusted", "Outlook", "Status", "Why", "kind_for"]

Status = Literal["waiting", "recount", "posted", "dropped"]
Why = Literal["stale", "too_many", "reason", "invalid", "twice", "settled", "unknown", "approval", "objection"]


class Adjust(Struct, frozen=True):
    """Units found or missing in a state of an item at a location, or (`value_minor`) units that are worth less, or more.

    `expected` is what the requester saw in that state: where it is something else by now, nothing is done. `kind` None
    leaves it to reason and sign. `is_trusted`: who asks may adjust there, so that policy may let it be done at once.
    Asking again under the same `id` returns what became of it.
    """

    id: UUID
    entity_id: int
    item_id: int
    location_id: int
    state: str
    expected: int
    delta: int
    reason: str
    note: str = ""
    kind: str | None = None
    value_minor: int | None = None
    occurred_at: datetime | None = None
    is_trusted: bool = False


class Adjusted(Struct, frozen=True):
    """A request that was taken up, and how far it has come."""

    id: UUID
    status: Status
    kind: str
    delta: int
    value_minor: int | None = None
    approval_id: UUID | None = None
    outcome: str | None = None


class Outlook(Struct, frozen=True):
    """What would become of a request just now: done `at_once`, a `recount` first, or `approval`."""

    id: UUID
    way: str
    kind: str
    value_minor: int | None


class NotAdjusted(Struct, frozen=True):
    """Nothing was done: `field` is at fault, `detail` says what is the case and what to do; `now` is the state's units."""

    id: UUID
    why: Why
    field: str
    detail: str
    now: int | None = None


def kind_for(delta: int, allowed: Collection[str]) -> str:
    """Return which kind of movement a change is, by its sign and the kinds that its reason code may be given for.

    What is missing for a reason that only write-offs have (broken, given away) goes to scrap; else it is shrinkage.
    """
    if not delta:
        return "markdown"
    return (
        "write_off"
        if delta < 0 and allowed and "adjustment" not in allowed and "write_off" in allowed
        else "adjustment"
    )
