"""Claims of shipments: which promised units a channel's shipment draws on, and their promise that ends with it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from onhand.db import cursor, int_array, text_array
from onhand_channels.api import Claim, Demand
from onhand_stock.api import Entry
from sqlalchemy.orm import Session

from onhand_reservations.services.settling import mark_fulfilled

__all__ = ["claims", "end_promises"]

FIND = """
/* claim.find */ SELECT h.id, h.channel_id, h.reference FROM reservations.hold h
JOIN (SELECT DISTINCT * FROM unnest(%s::int[], %s::text[])) AS k (channel_id, reference)
  ON h.channel_id = k.channel_id AND h.reference = k.reference
WHERE h.status = 'confirmed' OR (h.status = 'held' AND h.expires_at > %s)
ORDER BY h.id FOR NO KEY UPDATE OF h
"""
LINES = """
/* claim.lines */ SELECT l.hold_id, l.line, l.item_id, l.location_id, l.quantity - l.fulfilled - l.released
FROM reservations.hold_line l WHERE l.hold_id = ANY(%s::uuid[]) AND l.fulfilled + l.released < l.quantity
ORDER BY l.hold_id, l.line
"""
CLOSE = """
/* claim.close */ UPDATE reservations.hold h SET status = 'fulfilled', settled_at = %s
WHERE h.id = ANY(%s::uuid[]) AND h.status IN ('held', 'confirmed')
  AND NOT EXISTS (SELECT FROM reservations.hold_line l WHERE l.hold_id = h.id AND l.fulfilled + l.released < l.quantity)
"""
OpenLine = list[int]


def claims(session: Session, demands: Sequence[Demand], *, now: datetime) -> list[Claim | None]:
    """Name the promised units that each demand may draw on: those of its own order, item and location, oldest first.

    Holds stay locked until the shipment is posted. Of two demands for the same units in one list the first is served.
    A hold that ran out promises nothing any more.
    """
    orders = (
        int_array([demand.channel_id for demand in demands]),
        text_array([demand.order_reference for demand in demands]),
    )
    holds = {row[0]: (row[1], row[2]) for row in cursor(session).execute(FIND, (*orders, now)).fetchall()}
    if not holds:
        return [None] * len(demands)
    rows = cursor(session).execute(LINES, (text_array([str(hold_id) for hold_id in holds]),)).fetchall()
    left: dict[tuple[int, str, int, int], list[tuple[UUID, int, OpenLine]]] = {}
    for hold_id, line, item_id, location_id, units in rows:
        left.setdefault((*holds[hold_id], item_id, location_id), []).append((hold_id, line, [units]))
    return [_claim(demand, left) for demand in demands]


def _claim(
    demand: Demand, left: dict[tuple[int, str, int, int], list[tuple[UUID, int, OpenLine]]]
) -> Claim | None:  # fmt: skip
    key = (demand.channel_id, demand.order_reference, demand.item_id, demand.location_id)
    wanted = demand.quantity
    marks: list[tuple[UUID, int, int]] = []
    for hold_id, line, units in left.get(key, ()):
        take = min(wanted, units[0])
        if take:
            units[0] -= take
            wanted -= take
            marks.append((hold_id, line, take))
    if not marks:
        return None
    # All promised units are `reserved` as long as nobody picks or packs.
    return Claim((("reserved", demand.quantity - wanted),), tuple(marks))


def end_promises(session: Session, movements: Sequence[Entry], *, now: datetime) -> None:
    """End the promise of units that a claiming shipment drew. Called under the lock, once per list."""
    ended: list[tuple[UUID, int, int]] = []
    for entry in movements:
        if entry.claim is None or entry.from_state != "reserved":
            continue
        left = entry.quantity
        for hold_id, line, units in entry.claim:
            take = min(left, units)
            if take:
                ended.append((hold_id, line, take))
                left -= take
    if ended:
        mark_fulfilled(cursor(session), ended)
        cursor(session).execute(CLOSE, (now, text_array(sorted({str(hold_id) for hold_id, _, _ in ended}))))
