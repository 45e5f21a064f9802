"""Why a number is what it is: the states, the entries that made them, and how each shortage came and went."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from uuid import UUID

from msgspec import Struct
from onhand.db import cursor, int_array
from onhand.transaction import context
from onhand_master_data.api import describe_locations
from psycopg.rows import TupleRow
from sqlalchemy.orm import Session

from onhand_stock.kinds import kinds_of
from onhand_stock.listings import EntryFilter, entries_listed, entry_order
from onhand_stock.naming import movement_name
from onhand_stock.queries import BalanceRow, as_of, balances
from onhand_stock.sides import Side, sides_of
from onhand_stock.states import STATES

__all__ = [
    "Clearing",
    "Explanation",
    "LastCount",
    "ShortageStory",
    "explain",
    "kind_labels",
    "last_count",
    "shortages_of",
]

ENTRIES_MAX = 1_000
STORIES_MAX = 20

SHORTAGES = """
/* stock.shortages */ SELECT s.recorded_at, s.id, s.location_id, s.quantity, s.cleared, s.occurred_at, s.trigger,
  coalesce(b.counted_at >= s.occurred_at, false), c.cleared_at, c.raised_id, c.quantity, m.kind, m.trigger, m.occurred_at
FROM (
  SELECT * FROM stock.shortage WHERE item_id = %(item)s AND location_id = ANY(%(locations)s::int[])
    AND entity_id = ANY(%(entities)s::int[])
  ORDER BY (cleared < quantity) DESC, recorded_at DESC, id DESC LIMIT %(limit)s
) s
LEFT JOIN stock.balance b ON b.item_id = s.item_id AND b.location_id = s.location_id
LEFT JOIN stock.shortage_clearance c ON c.opened_at = s.recorded_at AND c.opened_id = s.id
LEFT JOIN stock.movement m ON m.recorded_at = c.cleared_at AND m.id = c.raised_id
ORDER BY (s.cleared < s.quantity) DESC, s.recorded_at DESC, s.id DESC, c.cleared_at, c.cleared_id
"""
LAST_COUNT = """
/* stock.last_count */ SELECT id, counted, expected, adjustment, counted_at, recorded_at, actor FROM stock.stock_count
WHERE item_id = %s AND location_id = %s AND entity_id = ANY(%s::int[])
ORDER BY counted_at DESC, recorded_at DESC LIMIT 1
"""


class Clearing(Struct, frozen=True):
    """How many units of a shortage turned up, with which entry and document."""

    entry: str
    kind: str
    document: str
    occurred_at: datetime
    quantity: int


class ShortageStory(Struct, frozen=True):
    """Units that left though the book had none: by which entry, and what brought them back since.

    `is_doubtful`: they came later than they can have left, so a count was wrong, or a document is; until somebody counts.
    """

    entry: str
    location_id: int
    quantity: int
    standing: int
    occurred_at: datetime
    document: str
    is_doubtful: bool
    cleared_by: tuple[Clearing, ...]


class LastCount(Struct, frozen=True):
    """The last absolute count of a shelf."""

    id: UUID
    counted: int
    expected: int
    adjustment: int
    counted_at: datetime
    recorded_at: datetime
    actor: str


class Explanation(Struct, frozen=True):
    """Everything that makes an item's numbers at a location, as it is or as it was."""

    balance: BalanceRow
    at: datetime | None
    known_at: datetime | None
    sides: list[Side]
    has_more: bool
    shortages: list[ShortageStory]
    last_count: LastCount | None


def explain(
    session: Session,
    item_id: int,
    location_id: int,
    *,
    state: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
    limit: int = 50,
) -> Explanation:
    """Explain an item at a location, or one of its states there; with a time, as it was then and as it was known then."""
    now, scope = context(session).now, context(session).entities
    if at is None and known_at is None:
        rows = balances(session, scope, item_ids=[item_id], location_ids=[location_id])
    else:
        rows = as_of(session, [item_id], [location_id], at=at or now, known_at=known_at or now)
    wanted = EntryFilter(item_id, location_id, state, at, known_at)
    query = entries_listed(wanted, dict.fromkeys(scope)).order_by(*entry_order(wanted)).limit(limit + 1)
    entries = session.execute(query).all()
    [(_, place)] = describe_locations(session, [location_id]).items()
    nothing = BalanceRow(item_id, location_id, place.entity_id, dict.fromkeys(STATES, 0), 0)
    return Explanation(
        balance=rows[0] if rows else nothing,
        at=at,
        known_at=known_at,
        sides=sides_of(entries[:limit], location_id=location_id, state=state),
        has_more=len(entries) > limit,
        shortages=shortages_of(session, item_id, [location_id]),
        last_count=last_count(session, item_id, location_id),
    )


def shortages_of(session: Session, item_id: int, location_ids: Iterable[int]) -> list[ShortageStory]:
    """Return an item's shortages at these locations with what cleared them: standing ones first, then the newest."""
    arguments = {
        "item": item_id,
        "locations": int_array(location_ids),
        "entities": int_array(context(session).entities),
        "limit": STORIES_MAX,
    }
    rows = cursor(session).execute(SHORTAGES, arguments).fetchall()
    return [_story(list(same)) for _, same in groupby(rows, key=lambda row: row[:2])]


def _story(rows: list[TupleRow]) -> ShortageStory:
    recorded_at, number, location_id, quantity, cleared, occurred_at, document, is_counted = rows[0][:8]
    by = tuple(
        Clearing(movement_name(cleared_at, raised_id), kind, raised_by, came_at, units)
        for cleared_at, raised_id, units, kind, raised_by, came_at in (row[8:] for row in rows)
        if cleared_at is not None
    )
    is_doubtful = not is_counted and any(one.occurred_at > occurred_at for one in by)
    name = movement_name(recorded_at, number)
    return ShortageStory(name, location_id, quantity, quantity - cleared, occurred_at, document, is_doubtful, by)


def kind_labels(session: Session) -> dict[str, str]:
    """Return what people call each kind of movement."""
    return {name: kind.label for name, kind in kinds_of(context(session).addons).items()}


def last_count(session: Session, item_id: int, location_id: int) -> LastCount | None:
    """Return the last absolute count of an item at a location; None when it was never counted."""
    scope = int_array(context(session).entities)
    row = cursor(session).execute(LAST_COUNT, (item_id, location_id, scope)).fetchone()
    return LastCount(*row) if row else None
