"""What pages and other add-ons read of the ledger. Nothing here is locked or decided upon."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from onhand.db import cursor, int_array
from onhand.transaction import context
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_stock.listings import BALANCE_ORDER, BalanceFilter, EntryFilter, Reach, balances_listed, entries_listed
from onhand_stock.models import Movement, Verification
from onhand_stock.naming import movement_name
from onhand_stock.states import INDEX, SHORTAGE, STATES, on_hand

__all__ = [
    "BalanceRow", "LedgerRow", "as_of", "balance_of", "balances", "find_entries", "history",
    "last_verification", "listed_balances", "posted_together", "reversals_of", "standing_shortages", "verifications",
]  # fmt: skip

TOGETHER_MAX = 200
COLUMNS = ", ".join(STATES)
BALANCES = f"""
SELECT item_id, location_id, entity_id, {COLUMNS} FROM stock.balance
WHERE entity_id = ANY(%s::int[]) AND (%s::int[] IS NULL OR item_id = ANY(%s::int[]))
  AND (%s::int[] IS NULL OR location_id = ANY(%s::int[]))
ORDER BY item_id, location_id LIMIT %s
"""
HISTORY = """
SELECT recorded_at, id, kind, quantity, from_location_id, from_state, to_location_id, to_state, from_after, to_after,
  occurred_at, trigger, actor, source, source_event, reason, correlation, reverses_id
FROM stock.movement
WHERE item_id = %s AND entity_id = ANY(%s::int[])
  AND (%s::int IS NULL OR from_location_id = %s OR to_location_id = %s)
  AND (%s::text IS NULL OR (from_state = %s AND from_location_id IS NOT NULL) OR (to_state = %s AND to_location_id IS NOT NULL))
  AND id < %s
ORDER BY id DESC LIMIT %s
"""
OF_EVENT = """
SELECT item_id, recorded_at, id, kind, quantity, from_location_id, from_state, to_location_id, to_state, from_after,
  to_after, occurred_at, trigger, actor, source, source_event, reason, correlation, reverses_id
FROM stock.movement
WHERE recorded_at = %s AND entity_id = ANY(%s::int[]) AND source = %s AND source_event = %s ORDER BY id
"""
AS_OF = """
/* stock.as_of */ SELECT item_id, location_id, max(entity_id), state, sum(units) FROM (
  SELECT item_id, to_location_id AS location_id, entity_id, to_state AS state,
    CASE WHEN to_state = 'shortage' THEN -quantity ELSE quantity END AS units
  FROM stock.movement
  WHERE to_location_id = ANY(%(locations)s::int[]) AND item_id = ANY(%(items)s::int[])
    AND entity_id = ANY(%(entities)s::int[]) AND occurred_at <= %(at)s AND recorded_at <= %(known_at)s
  UNION ALL
  SELECT item_id, from_location_id, entity_id, from_state,
    CASE WHEN from_state = 'shortage' THEN quantity ELSE -quantity END
  FROM stock.movement
  WHERE from_location_id = ANY(%(locations)s::int[]) AND item_id = ANY(%(items)s::int[])
    AND entity_id = ANY(%(entities)s::int[]) AND occurred_at <= %(at)s AND recorded_at <= %(known_at)s
) entries GROUP BY item_id, location_id, state
"""


REVERSALS = """
/* stock.reversals */ SELECT m.recorded_at, m.id FROM stock.reversal r
JOIN stock.movement m ON m.recorded_at = r.reversed_at AND m.reverses_id = r.id AND m.reverses_at = r.recorded_at
WHERE r.recorded_at = %s AND r.id = %s ORDER BY m.id
"""
STANDING = """
/* stock.standing */ SELECT entity_id, location_id, item_id, sum(quantity - cleared) FROM stock.shortage
WHERE entity_id = ANY(%s::int[]) AND cleared < quantity GROUP BY 1, 2, 3
"""


class BalanceRow(Struct, frozen=True):
    """An item's units per state at a location, with what they sum to."""

    item_id: int
    location_id: int
    entity_id: int
    states: dict[str, int]
    on_hand: int


class LedgerRow(Struct, frozen=True):
    """A ledger entry as people read it."""

    recorded_at: datetime
    id: int
    kind: str
    quantity: int
    from_location_id: int | None
    from_state: str
    to_location_id: int | None
    to_state: str
    from_after: int | None
    to_after: int | None
    occurred_at: datetime
    trigger: str
    actor: str
    source: str
    source_event: str | None
    reason: str | None
    correlation: str | None
    reverses_id: int | None


def balances(
    session: Session,
    entities: Sequence[int],
    *,
    item_ids: Sequence[int] | None = None,
    location_ids: Sequence[int] | None = None,
    limit: int = 1000,
) -> list[BalanceRow]:
    """Return current balances, by item and location; None asks for all items or all locations of the entities."""
    items = None if item_ids is None else int_array(item_ids)
    locations = None if location_ids is None else int_array(location_ids)
    rows = cursor(session).execute(
        BALANCES, (int_array(entities), items, items, locations, locations, limit)
    ).fetchall()  # fmt: skip
    return [_balance(row[0], row[1], row[2], list(row[3:])) for row in rows]


def history(
    session: Session,
    entities: Sequence[int],
    item_id: int,
    *,
    location_id: int | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[LedgerRow]:
    """Return an item's ledger entries, newest first, from below entry `before`."""
    below = before if before is not None else 2**63 - 1
    place = (location_id, location_id, location_id, state, state, state)
    rows = cursor(session).execute(HISTORY, (item_id, int_array(entities), *place, below, limit)).fetchall()
    return [LedgerRow(*row) for row in rows]


def entries_of(
    session: Session, entities: Sequence[int], source: str, source_event: str, *, recorded_at: datetime
) -> list[tuple[int, LedgerRow]]:
    """Return the entries, each with its item's id, that an event of a source made when it was posted."""
    rows = cursor(session).execute(OF_EVENT, (recorded_at, int_array(entities), source, source_event)).fetchall()
    return [(row[0], LedgerRow(*row[1:])) for row in rows]


def as_of(
    session: Session, item_ids: Sequence[int], location_ids: Sequence[int], *, at: datetime, known_at: datetime
) -> list[BalanceRow]:
    """Return balances as they were at `at` in the world, as far as it was recorded by `known_at`, of those that moved.

    Entries of that time alone are summed, whatever order they were recorded in: what the shelf then lacks is shown as
    shortage. Another state may be below zero: units known to have left it that are not yet known to have come.
    """
    arguments = {
        "items": int_array(item_ids),
        "locations": int_array(location_ids),
        "entities": int_array(context(session).entities),
        "at": at,
        "known_at": known_at,
    }
    found: dict[tuple[int, int, int], list[int]] = {}
    for item_id, location_id, entity_id, state, units in cursor(session).execute(AS_OF, arguments).fetchall():
        found.setdefault((item_id, location_id, entity_id), [0] * len(STATES))[INDEX[state]] = int(units)
    return [_balance(*key, _netted(units)) for key, units in sorted(found.items())]


def balance_of(row: Any) -> BalanceRow:
    """Return a listed balance with what it sums to."""
    return _balance(row.item_id, row.location_id, row.entity_id, [getattr(row, state) for state in STATES])


def listed_balances(session: Session, wanted: BalanceFilter, within: Reach) -> list[BalanceRow]:
    """Return every balance of a filter, by item and location."""
    return [balance_of(row) for row in session.execute(balances_listed(wanted, within).order_by(*BALANCE_ORDER))]


def posted_together(session: Session, entry: Any, within: Reach) -> Sequence[Any]:
    """Return the entries of the same posting and document as an entry, itself included, in their order."""
    query = entries_listed(EntryFilter(), within).where(
        Movement.recorded_at == entry.recorded_at, Movement.trigger == entry.trigger
    )
    return session.execute(query.order_by(Movement.id).limit(TOGETHER_MAX)).all()


def find_entries(session: Session, recorded_at: datetime, ids: Collection[int], within: Reach) -> Sequence[Any]:
    """Return the ledger entries of one posting that have an end in reach, in their order."""
    query = entries_listed(EntryFilter(), within).where(Movement.recorded_at == recorded_at, Movement.id.in_(ids))
    return session.execute(query.order_by(Movement.id)).all()


def reversals_of(session: Session, entry: Any) -> list[str]:
    """Return the names of the entries that undid an entry, in their order."""
    rows = cursor(session).execute(REVERSALS, (entry.recorded_at, entry.id)).fetchall()
    return [movement_name(row[0], row[1]) for row in rows]


def standing_shortages(session: Session, within: Reach) -> tuple[int, int]:
    """Return at how many places, items at locations, units are missing, and how many units."""
    rows = cursor(session).execute(STANDING, (int_array(within),)).fetchall()
    seen = [row for row in rows if (places := within[row[0]]) is None or row[1] in places]
    return len({row[1:3] for row in seen}), sum(int(row[3]) for row in seen)


def _netted(units: list[int]) -> list[int]:
    """Clear shortage against the shelf, as the posting verb would have, had it been told in the order of the world."""
    available, shortage = INDEX["available"], INDEX[SHORTAGE]
    net = units[available] - units[shortage]
    units[available], units[shortage] = max(net, 0), max(-net, 0)
    return units


def last_verification(session: Session) -> Any | None:
    """Return the newest run of the invariants; None when there was none."""
    return next(iter(verifications(session, limit=1)), None)


def verifications(session: Session, *, limit: int) -> Sequence[Any]:
    """Return the latest runs of the invariants, newest first."""
    runs = Verification.__table__
    return session.execute(select(runs).order_by(runs.c.id.desc()).limit(limit)).all()


def _balance(item_id: int, location_id: int, entity_id: int, units: list[int]) -> BalanceRow:
    return BalanceRow(item_id, location_id, entity_id, dict(zip(STATES, units, strict=True)), on_hand(units))
