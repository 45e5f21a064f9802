"""Ledger entries as an accountant reads them: a line per state an entry touched, with what it changed and left behind."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from onhand_stock.naming import movement_name
from onhand_stock.states import SHORTAGE

__all__ = ["Side", "sides_of"]


class Side(Struct, frozen=True):
    """One state at one location, changed by one entry. `other` is the end it came from or went to.

    A change of value alone has one side and delta 0.
    """

    name: str
    recorded_at: datetime
    occurred_at: datetime
    kind: str
    entity_id: int
    item_id: int
    location_id: int
    state: str
    delta: int
    value_minor: int | None
    after: int
    other_location_id: int | None
    other_state: str
    document: str
    actor: str
    source: str
    source_event: str | None
    reason: str | None
    correlation: str | None
    reverses: str | None


def sides_of(entries: Iterable[Any], *, location_id: int | None = None, state: str | None = None) -> list[Side]:
    """Return the ends of each entry that lie with us, the one it left from first; only those asked for."""
    return [
        side
        for entry in entries
        for side in _both(entry)
        if (location_id is None or side.location_id == location_id) and (state is None or side.state == state)
    ]


def _both(entry: Any) -> Iterable[Side]:
    if entry.from_location_id is not None:
        end = (entry.from_location_id, entry.from_state, -entry.quantity, entry.from_after)
        yield _side(entry, *end, entry.to_location_id, entry.to_state)
    if entry.to_location_id is not None and entry.value_minor is None:
        end = (entry.to_location_id, entry.to_state, entry.quantity, entry.to_after)
        yield _side(entry, *end, entry.from_location_id, entry.from_state)


def _side(
    entry: Any, location_id: int, state: str, change: int, after: int, other_location_id: int | None, other_state: str
) -> Side:
    return Side(
        name=movement_name(entry.recorded_at, entry.id),
        recorded_at=entry.recorded_at,
        occurred_at=entry.occurred_at,
        kind=entry.kind,
        entity_id=entry.entity_id,
        item_id=entry.item_id,
        location_id=location_id,
        state=state,
        delta=-change if state == SHORTAGE else change,  # a contra account: taking from it adds to it
        value_minor=entry.value_minor,
        after=after,
        other_location_id=other_location_id,
        other_state=other_state,
        document=entry.trigger,
        actor=entry.actor,
        source=entry.source,
        source_event=entry.source_event,
        reason=entry.reason,
        correlation=entry.correlation,
        reverses=movement_name(entry.reverses_at, entry.reverses_id) if entry.reverses_id is not None else None,
    )
