"""What doors and pages read of reservations. Nothing here is locked or decided upon."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from onhand.db import cursor, int_array, text_array
from onhand_stock.api import movement_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onhand_reservations.listings import OPEN, Filter, Reach, holds_listed, reached
from onhand_reservations.models import Hold as HoldRow
from onhand_reservations.models import HoldLine
from onhand_reservations.values import HeldLine, Hold, Within

__all__ = [
    "COUNT_MAX", "Entry", "Units", "count", "entity_of", "entries_of", "find_hold", "hold_row", "holds_by_id", "open_holds",
    "renewal_of", "units_of",
]  # fmt: skip

COUNT_MAX = 10_000
ENTRIES_MAX = 200
HOLDS = """
/* holds.read */ SELECT h.id, h.status, h.expires_at, h.reference, c.code, h.replaces,
  l.line, i.sku, p.code, l.quantity, l.fulfilled, l.released, l.location_id
FROM reservations.hold h JOIN channels.channel c ON c.id = h.channel_id
JOIN reservations.hold_line l ON l.hold_id = h.id
JOIN master_data.item i ON i.id = l.item_id JOIN master_data.location p ON p.id = l.location_id
WHERE h.id = ANY(%s::uuid[]) AND h.entity_id = ANY(%s::int[]) ORDER BY h.id, l.line
"""
UNITS = """
/* holds.units */ SELECT l.hold_id, sum(l.quantity)::bigint, sum(l.quantity - l.fulfilled - l.released)::bigint,
  array_agg(DISTINCT p.code)
FROM reservations.hold_line l JOIN master_data.location p ON p.id = l.location_id
WHERE l.hold_id = ANY(%s::uuid[]) GROUP BY l.hold_id
"""
# What shipped by the channel's events names the order; what the hold's own verbs moved names the hold.
ENTRIES = """
/* hold.entries */ SELECT m.recorded_at, m.id, m.kind, m.item_id, m.quantity, m.from_state, m.to_state,
  coalesce(m.from_location_id, m.to_location_id), m.trigger, m.reason, m.actor
FROM stock.movement m
WHERE m.entity_id = %(entity)s AND m.item_id = ANY(%(items)s::int[])
  AND m.recorded_at >= %(since)s AND m.recorded_at <= %(until)s
  AND (m.trigger = %(document)s
    OR (m.kind = 'ship' AND m.from_state = 'reserved' AND m.source = %(channel)s AND m.correlation = %(reference)s))
ORDER BY m.recorded_at, m.id LIMIT %(limit)s
"""


class Units(NamedTuple):
    """What a hold promised, what of it is open, and where."""

    quantity: int
    open: int
    locations: list[str]


class Entry(NamedTuple):
    """A ledger entry that a hold made."""

    recorded_at: datetime
    id: int
    kind: str
    item_id: int
    quantity: int
    from_state: str
    to_state: str
    location_id: int
    trigger: str
    reason: str | None
    actor: str

    @property
    def name(self) -> str:
        """What the entry is called in addresses."""
        return movement_name(self.recorded_at, self.id)


def find_hold(session: Session, entities: Sequence[int], hold_id: UUID, within: Within | None = None) -> Hold | None:
    """Return a hold as it stands, or None when there is none of that id in these entities, or within reach."""
    found = _read(session, entities, [hold_id])
    if not found:
        return None
    hold, places = found[hold_id]
    return hold if within is None or within.admits(hold.channel, places) else None


def holds_by_id(session: Session, entities: Sequence[int], hold_ids: Sequence[UUID]) -> list[Hold]:
    """Return holds as they stand, in the order asked for, with one statement."""
    found = _read(session, entities, hold_ids)
    return [found[hold_id][0] for hold_id in hold_ids if hold_id in found]


def _read(session: Session, entities: Sequence[int], hold_ids: Sequence[UUID]) -> dict[UUID, tuple[Hold, list[int]]]:
    rows: dict[UUID, list[Any]] = {}
    for row in cursor(session).execute(HOLDS, (_ids(hold_ids), int_array(entities))).fetchall():
        rows.setdefault(row[0], []).append(row)
    return {hold_id: (_hold(lines), [line[12] for line in lines]) for hold_id, lines in rows.items()}


def _hold(rows: Sequence[Any]) -> Hold:
    first = rows[0]
    lines = tuple(HeldLine(*row[6:12]) for row in rows)
    return Hold(first[0], first[1], first[2], lines, first[3], first[4], first[5])


def units_of(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, Units]:
    """Return what holds promise and where, with one statement."""
    rows = cursor(session).execute(UNITS, (_ids(hold_ids),)).fetchall()
    return {row[0]: Units(row[1], row[2], sorted(row[3])) for row in rows}


def entries_of(session: Session, hold: Any, channel: str, item_ids: Sequence[int], now: datetime) -> list[Entry]:
    """Return the ledger entries that a hold made, first things first: promised, let go, handed over."""
    arguments = {
        "entity": hold.entity_id,
        "items": int_array(item_ids),
        "since": hold.held_at,
        "until": hold.settled_at or now,
        "document": f"hold:{hold.id}",
        "channel": channel,
        "reference": hold.reference,
        "limit": ENTRIES_MAX,
    }
    return [Entry(*row) for row in cursor(session).execute(ENTRIES, arguments).fetchall()]


def hold_row(session: Session, hold_id: UUID, within: Reach) -> tuple[Any, list[Any]] | None:
    """Return the row of a hold and those of its lines; None when it is out of reach."""
    row = session.execute(select(*HoldRow.__table__.c).where(HoldRow.id == hold_id, reached(within))).one_or_none()
    if row is None:
        return None
    lines = select(*HoldLine.__table__.c).where(HoldLine.hold_id == hold_id).order_by(HoldLine.line)
    return row, list(session.execute(lines))


def renewal_of(session: Session, hold_id: UUID) -> UUID | None:
    """Return the hold that replaced an expired one, if any did."""
    return session.scalar(select(HoldRow.id).where(HoldRow.replaces == hold_id))


def entity_of(session: Session, hold_id: UUID) -> int | None:
    """Return the entity of a hold in the transaction's scope."""
    return entities_of(session, [hold_id]).get(hold_id)


def entities_of(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the entity of each hold that is in the transaction's scope."""
    rows = cursor(session).execute("SELECT id, entity_id FROM reservations.hold WHERE id = ANY(%s)", (list(hold_ids),))
    return {row[0]: row[1] for row in rows.fetchall()}


def count(session: Session, wanted: Filter, within: Reach) -> int:
    """Return how many holds there are, up to COUNT_MAX: nobody reads on beyond, and counting them all costs."""
    some = holds_listed(wanted, within).with_only_columns(HoldRow.id).limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def open_holds(session: Session, entity_id: int) -> int:
    """Count the holds of an entity that are neither fulfilled nor released nor expired, up to COUNT_MAX."""
    return count(session, Filter(statuses=OPEN), {entity_id: None})


def _ids(hold_ids: Sequence[UUID]) -> str:
    return text_array([str(hold_id) for hold_id in hold_ids])
