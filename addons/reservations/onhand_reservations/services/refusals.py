"""What could not be promised: noted per item and location, told as an exception, and whether a second try may help."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from onhand.db import cursor, int_array
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish
from onhand.transaction import context
from onhand_master_data.api import describe_items, describe_locations
from onhand_stock.api import Refused, cause_at, places_named
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from onhand_reservations.services.holding import Planned

__all__ = ["note", "still_true"]

NOTE = """
/* refusal.note */ INSERT INTO reservations.refusal AS r
  (item_id, location_id, entity_id, channel_id, quantity, floor, refused, last_refused_at)
SELECT n.*, %s::timestamptz
FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n
ON CONFLICT (item_id, location_id) DO UPDATE SET
  quantity = excluded.quantity, floor = excluded.floor, channel_id = excluded.channel_id,
  refused = r.refused + excluded.refused, last_refused_at = excluded.last_refused_at
"""
DUE = """
/* refusal.due */ SELECT DISTINCT l.item_id, l.location_id
FROM unnest(%s::int[], %s::int[]) AS k (item_id, location_id)
JOIN reservations.hold_line l ON l.item_id = k.item_id AND l.location_id = k.location_id
  AND l.fulfilled + l.released < l.quantity
JOIN reservations.hold h ON h.id = l.hold_id AND h.status = 'held' AND h.expires_at <= %s
"""
STILL_TRUE = """
SELECT r.item_id, r.location_id, r.quantity, r.last_refused_at, r.refused
FROM reservations.refusal r LEFT JOIN stock.balance b USING (item_id, location_id)
WHERE r.entity_id = %s AND coalesce(b.available, 0) - r.floor < r.quantity
  AND (%s::int[] IS NULL OR (r.item_id, r.location_id) IN (SELECT * FROM unnest(%s::int[], %s::int[])))
"""
Place = tuple[int, int]


def note(session: Session, refused: Sequence[tuple["Planned", Refused]], *, now: datetime) -> set[UUID]:
    """Note refusals and tell them; return the requests that a second try may serve.

    That is: expired holds still keep units of what was short, or the short line's location had been chosen from a
    reading that was overtaken.
    """
    latest: dict[Place, tuple[int, int, int, int]] = {}
    count: dict[Place, int] = {}
    for plan, answer in refused:
        channel = plan.request.channel
        for short in answer.shortfalls:
            place = (short.item_id, short.location_id)
            latest[place] = (channel.entity_id, channel.id, short.requested, plan.lines[short.line].floor)
            count[place] = count.get(place, 0) + 1
    places = sorted(latest)
    items, locations = int_array([place[0] for place in places]), int_array([place[1] for place in places])
    due = {(row[0], row[1]) for row in cursor(session).execute(DUE, (items, locations, now)).fetchall()}
    curable = {
        plan.id
        for plan, answer in refused
        if any(
            (short.item_id, short.location_id) in due or plan.lines[short.line].was_sourced
            for short in answer.shortfalls
        )
    }
    told = [place for place in places if place not in due]
    if told:
        _write(session, told, latest, count, now)
        _tell(session, told, latest, count, now)
    return curable


def _write(
    session: Session, places: Sequence[Place], latest: dict[Place, tuple[int, int, int, int]], count: dict[Place, int], now: datetime
) -> None:  # fmt: skip
    cursor(session).execute(
        NOTE,
        (
            now,
            int_array([place[0] for place in places]),
            int_array([place[1] for place in places]),
            *(int_array([latest[place][column] for place in places]) for column in range(4)),
            int_array([count[place] for place in places]),
        ),
    )


def _tell(
    session: Session, places: Sequence[Place], latest: dict[Place, tuple[int, int, int, int]], count: dict[Place, int], now: datetime
) -> None:  # fmt: skip
    addons = context(session).addons
    for entity_id in sorted({latest[place][0] for place in places}):
        if addons.caller("exceptions_raised", entity_id, now) is None:
            continue
        rows = [(*place, latest[place][2], now, count[place]) for place in places if latest[place][0] == entity_id]
        publish(session, ExceptionsRaised(entity_id, "reservation_refused", tuple(_causes(session, entity_id, rows))))


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:  # noqa: ARG001 - its hook hands it in
    """Return the refusals that would be refused again now: what was last asked for is still not there."""
    items, locations = places_named(keys)
    rows = cursor(session).execute(STILL_TRUE, (entity_id, items, items, locations)).fetchall()
    return _causes(session, entity_id, [(row[0], row[1], row[2], row[3], row[4]) for row in rows])


def _causes(session: Session, entity_id: int, rows: Sequence[tuple[int, int, int, datetime, int]]) -> list[Cause]:
    items = describe_items(session, {row[0] for row in rows})
    locations = describe_locations(session, {row[1] for row in rows})
    return [
        cause_at(
            entity_id, items[item_id], locations[location_id], quantity=quantity, occurred_at=seen_at,
            title=f"{quantity} could not be promised", evidence={"times": times},
        )
        for item_id, location_id, quantity, seen_at, times in rows
    ]  # fmt: skip
