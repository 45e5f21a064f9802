"""Shortages: units that left though the book had none; which entry took them, and which cleared them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct
from onhand.db import cursor, int_array, text_array, time_array
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish
from onhand.transaction import context
from onhand_master_data.api import ItemName, LocationName, describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.movements import Entry
from onhand_stock.places import cause_at, places_named
from onhand_stock.states import SHORTAGE

__all__ = ["keep", "still_true", "tell"]

OPEN = """
/* shortage.open */ INSERT INTO stock.shortage (recorded_at, id, entity_id, item_id, location_id, quantity, occurred_at, trigger)
SELECT %s::timestamptz, s.* FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::timestamptz[], %s::text[]) AS s
"""
STANDING = """
/* shortage.standing */ SELECT s.recorded_at, s.id, s.item_id, s.location_id, s.quantity - s.cleared
FROM stock.shortage s JOIN unnest(%s::int[], %s::int[]) AS k (item_id, location_id)
  ON s.item_id = k.item_id AND s.location_id = k.location_id
WHERE s.cleared < s.quantity ORDER BY s.recorded_at, s.id
"""
CLEAR = """
/* shortage.clear */ WITH c AS (
  SELECT * FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::timestamptz[])
    AS c (opened_at, opened_id, cleared_id, raised_id, entity_id, quantity, occurred_at)
), told AS (
  INSERT INTO stock.shortage_clearance (opened_at, opened_id, cleared_at, cleared_id, raised_id, entity_id, quantity)
  SELECT opened_at, opened_id, %s::timestamptz, cleared_id, raised_id, entity_id, quantity FROM c
)
UPDATE stock.shortage s
SET cleared = s.cleared + t.quantity, cleared_occurred_at = greatest(s.cleared_occurred_at, t.occurred_at)
FROM (SELECT opened_at, opened_id, sum(quantity) AS quantity, max(occurred_at) AS occurred_at FROM c GROUP BY 1, 2) t
WHERE s.recorded_at = t.opened_at AND s.id = t.opened_id
"""
STILL_TRUE = """
/* shortage.still_true */ SELECT s.item_id, s.location_id, sum(s.quantity - s.cleared), sum(s.quantity), max(s.occurred_at),
  (array_agg(s.trigger ORDER BY s.recorded_at DESC, s.id DESC))[1]
FROM stock.shortage s
LEFT JOIN stock.balance b ON b.item_id = s.item_id AND b.location_id = s.location_id
WHERE s.entity_id = %s
  AND (s.cleared < s.quantity OR s.cleared_occurred_at > s.occurred_at)
  AND (s.cleared < s.quantity OR b.counted_at IS NULL OR b.counted_at < s.occurred_at)
  AND (%s::int[] IS NULL OR (s.item_id, s.location_id) IN (SELECT * FROM unnest(%s::int[], %s::int[])))
GROUP BY s.item_id, s.location_id
"""


class _Clearance(Struct):
    opened_at: datetime
    opened_id: int
    entry: Entry
    raised_id: int
    quantity: int


class _Standing(Struct):
    opened_at: datetime
    opened_id: int
    left: int


def keep(session: Session, entries: Sequence[Entry], *, now: datetime) -> None:
    """Write which entries opened a shortage and which cleared one, oldest first. Called as the writer, under the lock."""
    opened = [entry for entry in entries if entry.from_state == SHORTAGE and entry.quantity]
    sql = cursor(session)
    if opened:
        sql.execute(
            OPEN,
            (
                now,
                int_array([entry.id for entry in opened]),
                int_array([entry.entity_id for entry in opened]),
                int_array([entry.item_id for entry in opened]),
                int_array([entry.from_location_id for entry in opened]),
                int_array([entry.quantity for entry in opened]),
                time_array([entry.group.occurred_at for entry in opened]),
                text_array([entry.group.trigger for entry in opened]),
            ),
        )
    clearing = [entry for entry in entries if entry.to_state == SHORTAGE and entry.quantity]
    if clearing:
        keys = sorted({(entry.item_id, entry.to_location_id or 0) for entry in clearing})
        sql.execute(STANDING, (int_array([key[0] for key in keys]), int_array([key[1] for key in keys])))
        _clear(session, _match(clearing, sql.fetchall()), now)


def _match(clearing: Sequence[Entry], standing: Sequence[tuple[datetime, int, int, int, int]]) -> list[_Clearance]:
    """Give each clearing entry the oldest standing shortages of its item and location."""
    open_by_key: dict[tuple[int, int], list[_Standing]] = {}
    for opened_at, opened_id, item_id, location_id, left in standing:
        open_by_key.setdefault((item_id, location_id), []).append(_Standing(opened_at, opened_id, int(left)))
    matched: list[_Clearance] = []
    for entry in clearing:
        left = entry.quantity
        for shortage in open_by_key.get((entry.item_id, entry.to_location_id or 0), []):
            take = min(left, shortage.left)
            if take:
                raised_id = entry.raised_by.id if entry.raised_by else entry.id
                matched.append(_Clearance(shortage.opened_at, shortage.opened_id, entry, raised_id, take))
                shortage.left -= take
                left -= take
    return matched


def _clear(session: Session, matched: Sequence[_Clearance], now: datetime) -> None:
    cursor(session).execute(
        CLEAR,
        (
            time_array([one.opened_at for one in matched]),
            int_array([one.opened_id for one in matched]),
            int_array([one.entry.id for one in matched]),
            int_array([one.raised_id for one in matched]),
            int_array([one.entry.entity_id for one in matched]),
            int_array([one.quantity for one in matched]),
            time_array([one.entry.group.occurred_at for one in matched]),
            now,
        ),
    )


def tell(session: Session, entries: Sequence[Entry]) -> None:
    """Raise an exception for each entry that left a shortage open or doubtful, where somebody listens."""
    addons, now = context(session).addons, context(session).now
    short = [entry for entry in entries if entry.from_state == SHORTAGE and entry.quantity]
    for entity_id in sorted({entry.entity_id for entry in short}):
        if addons.caller("exceptions_raised", entity_id, now) is None:
            continue
        own = [entry for entry in short if entry.entity_id == entity_id]
        items = describe_items(session, {entry.item_id for entry in own})
        locations = describe_locations(session, {entry.from_location_id or 0 for entry in own})
        causes = tuple(_cause_of(entry, items, locations, now) for entry in own)
        publish(session, ExceptionsRaised(entity_id, "shortage", causes))


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:  # noqa: ARG001 - its hook hands it in
    """Return the shortages that stand, and those cleared only by documents that happened later: probable count errors.

    A later count settles the latter: what it found is then the book.
    """
    items, locations = places_named(keys)
    rows = cursor(session).execute(STILL_TRUE, (entity_id, items, items, locations)).fetchall()
    names = describe_items(session, {row[0] for row in rows})
    codes = describe_locations(session, {row[1] for row in rows})
    return [
        _cause(entity_id, names[row[0]], codes[row[1]], int(row[2]), int(row[3]), row[4], {"document": row[5]})
        for row in rows
    ]


def _cause_of(entry: Entry, items: dict[int, ItemName], locations: dict[int, LocationName], now: datetime) -> Cause:
    location = locations[entry.from_location_id or 0]
    name = {"id": f"{now.isoformat()}/{entry.id}", "document": entry.group.trigger}
    return _cause(
        entry.entity_id, items[entry.item_id], location, entry.quantity, entry.quantity, entry.group.occurred_at, name
    )


def _cause(
    entity_id: int,
    item: ItemName,
    location: LocationName,
    standing: int,
    taken: int,
    occurred_at: datetime,
    evidence: dict[str, str],
) -> Cause:
    """`standing` of the `taken` units are missing still; none: they turned up, later than they can have left."""
    title = (
        f"{standing} went out that the book did not have"
        if standing
        else f"{taken} left before they came; probably miscounted"
    )
    return cause_at(
        entity_id, item, location,
        quantity=standing or taken, occurred_at=occurred_at, title=title, evidence=evidence,
    )  # fmt: skip
