"""What is asked of the posting verb, and what it answers. Frozen, and cheap enough for thousands a second."""

from datetime import datetime
from typing import Any

from msgspec import Struct

__all__ = ["Accepted", "Entry", "Group", "Move", "Objection", "Refused", "Shortfall"]


class Move(Struct, frozen=True, gc=False):
    """A quantity of an item on its way from one place to another.

    `draws` names the sources in the order they are drawn from, each with the most that may come from it (None: all it
    has); a fact then goes on to `available` and, at the worst, to `shortage`. One end may be outside (`from_location_id` or `to_location_id` None, with an outside account as state); both
    locations lie in `entity_id`. `floor` is what must remain `available` after an intent. `claim` names the demand
    whose own units the move draws on, for those who keep that demand.
    """

    kind: str
    entity_id: int
    item_id: int
    quantity: int
    draws: tuple[tuple[str, int | None], ...]
    to_state: str
    from_location_id: int | None = None
    to_location_id: int | None = None
    floor: int | None = None
    claim: Any = None


class Group(Struct, frozen=True, gc=False):
    """Moves that stand or fall together, and what every one of their ledger entries will say of its origin.

    `actor` is the author where callers of several authors share one posting; None is the verb's `by`. `value_minor` is the
    change of value by a value kind, in the entity's currency, below 0 where it is lost: such a group has no other moves.
    """

    key: str
    moves: tuple[Move, ...]
    trigger: str
    occurred_at: datetime
    source: str
    source_event: str | None = None
    reason: str | None = None
    correlation: str | None = None
    reverses: tuple[datetime, int] | None = None
    actor: str | None = None
    value_minor: int | None = None


class Entry(Struct, gc=False):
    """A ledger entry: named by (the transaction's now, id) once it is written, with the balances it left behind."""

    group: Group
    kind: str
    entity_id: int
    item_id: int
    from_location_id: int | None
    from_state: str
    to_location_id: int | None
    to_state: str
    quantity: int
    from_after: int | None
    to_after: int | None
    floor: int | None = None
    claim: Any = None
    raised_by: "Entry | None" = None
    """For `shortage_clear`: the entry that raised `available`."""
    id: int = 0


class Accepted(Struct, frozen=True, gc=False):
    """A group that was posted, and its entries in the order written."""

    key: str
    entries: tuple[Entry, ...]


class Shortfall(Struct, frozen=True, gc=False):
    """How much of a line cannot be had: `available` is what the place could give, above the floor."""

    line: int
    item_id: int
    location_id: int
    requested: int
    available: int


class Objection(Struct, frozen=True, gc=False):
    """Why a guard will not have an intent: the key of its group, a slug (`recalled`), and what to do about it."""

    key: str
    reason: str
    detail: str


class Refused(Struct, frozen=True, gc=False):
    """An intent that stock does not cover, line by line; or that guards object to, and then nobody looked at the stock."""

    key: str
    shortfalls: tuple[Shortfall, ...]
    objections: tuple[Objection, ...] = ()

    @property
    def objection(self) -> tuple[str, str] | None:
        """The first objection's reason, and what all of them say; None where stock is what is lacking."""
        if not self.objections:
            return None
        return self.objections[0].reason, "; ".join(one.detail for one in self.objections)
