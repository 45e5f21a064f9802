"""What pages and clients read of channels, beyond lists."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from onhand.db import cursor, int_array, text_array
from onhand_master_data.api import describe_items, describe_locations
from onhand_stock.api import entries_of
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef, OrderUnits

__all__ = [
    "COUNT_MAX",
    "ConflictRow",
    "EntryRow",
    "EventRow",
    "Figures",
    "OrderLineRow",
    "StepRow",
    "conflicts_of",
    "entries",
    "event",
    "figures",
    "location_codes",
    "order_lines",
    "order_units",
    "parked_in",
    "parked_reasons",
    "reported", "steps",
]  # fmt: skip

COUNT_MAX = 10_000
EVENT = """
SELECT event_id, type, outcome, reason, detail, occurred_at, recorded_at, posted_at, body FROM channels.event
WHERE channel_id = %s AND event_id = %s AND entity_id = %s
"""
CONFLICTS = """
SELECT event_id, body, recorded_at, settled_at, settled_by, note FROM channels.event_conflict
WHERE channel_id = %s AND event_id = %s AND entity_id = %s ORDER BY recorded_at, digest
"""
# Counted to a bound, by index: a page must not take longer because a channel tells more.
FIGURES = """
SELECT c.id,
  (SELECT count(*) FROM (SELECT FROM channels.event WHERE channel_id = c.id AND recorded_at >= date_trunc('day', %(now)s::timestamptz, n.time_zone) LIMIT %(most)s) e),
  (SELECT count(*) FROM (SELECT FROM channels.event WHERE entity_id = c.entity_id AND channel_id = c.id
     AND outcome = 'parked' LIMIT %(most)s) e),
  (SELECT count(DISTINCT event_id) FROM channels.event_conflict
   WHERE entity_id = c.entity_id AND channel_id = c.id AND settled_at IS NULL)
FROM channels.channel c JOIN onhand.entity n ON n.id = c.entity_id WHERE c.id = ANY(%(channels)s::int[])
"""
PARKED_IN = """
SELECT (SELECT count(*) FROM (SELECT FROM channels.event WHERE entity_id = %(entity)s AND outcome = 'parked'
          LIMIT %(most)s) e),
  (SELECT count(*) FROM (SELECT DISTINCT channel_id, event_id FROM channels.event_conflict
   WHERE entity_id = %(entity)s AND settled_at IS NULL) f)
"""
REASONS = """
SELECT reason, count(*) FROM channels.event WHERE entity_id = %s AND channel_id = %s AND outcome = 'parked'
GROUP BY reason ORDER BY 2 DESC, 1
"""
REPORTED = """
SELECT location_id, item_id FROM channels.stock_report
WHERE channel_id = %s AND entity_id = %s AND location_id = ANY(%s::int[]) AND item_id = ANY(%s::int[])
"""
STEPS = """
SELECT from_state, to_state, recorded_at, actor, actor_name, reason, checks FROM channels.lifecycle_step
WHERE channel_id = %s AND entity_id = %s ORDER BY id DESC LIMIT %s
"""
STEPS_MAX = 200
ORDER_LINES = """
SELECT line, item_id, ordered, cancelled, fulfilled, returned FROM channels.order_line
WHERE channel_id = %s AND order_reference = %s AND entity_id = %s ORDER BY line, item_id
"""
ORDER_UNITS = """
/* channels.order_units */ SELECT order_reference, item_id, sum(ordered)::bigint, sum(cancelled)::bigint,
  sum(fulfilled)::bigint, sum(returned)::bigint
FROM channels.order_line WHERE channel_id = %s AND order_reference = ANY(%s::text[]) AND entity_id = %s
GROUP BY 1, 2 ORDER BY 1, 2
"""


class EventRow(Struct, frozen=True):
    """An event as it was kept."""

    id: str
    type: str
    outcome: str
    reason: str | None
    detail: str | None
    occurred_at: datetime | None
    recorded_at: datetime
    posted_at: datetime | None
    body: str


class ConflictRow(Struct, frozen=True):
    """Another body under the id of an event."""

    id: str
    body: str
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    note: str | None


class Figures(Struct, frozen=True):
    """How many events a channel told today, how many of its events are parked, and how many ids are in conflict."""

    events: int
    parked: int
    conflicts: int


class EntryRow(Struct, frozen=True):
    """A ledger entry in the words of people."""

    recorded_at: datetime
    id: int
    kind: str
    sku: str
    item: str
    quantity: int
    from_location: str | None
    from_state: str
    from_after: int | None
    to_location: str | None
    to_state: str
    to_after: int | None


class StepRow(Struct, frozen=True):
    """A step of a channel's life; `from_state` None is its beginning."""

    from_state: str | None
    to_state: str
    recorded_at: datetime
    actor: str
    actor_name: str
    reason: str | None
    checks: list[dict[str, Any]] | None


class OrderLineRow(Struct, frozen=True):
    """What is known of an order line, in base units."""

    line: str
    sku: str
    ordered: int
    cancelled: int
    fulfilled: int
    returned: int


def event(session: Session, channel: ChannelRef, event_id: str) -> EventRow | None:
    """Return an event of a channel."""
    row = cursor(session).execute(EVENT, (channel.id, event_id, channel.entity_id)).fetchone()
    return EventRow(*row) if row else None


def conflicts_of(session: Session, channel: ChannelRef, event_id: str) -> list[ConflictRow]:
    """Return the other bodies that came under an event's id, settled or not, oldest first."""
    rows = cursor(session).execute(CONFLICTS, (channel.id, event_id, channel.entity_id)).fetchall()
    return [ConflictRow(*row) for row in rows]


def entries(session: Session, channel: ChannelRef, kept: EventRow) -> list[EntryRow]:
    """Return the ledger entries that an event made."""
    if kept.posted_at is None:
        return []
    found = entries_of(session, [channel.entity_id], channel.code, kept.id, recorded_at=kept.posted_at)
    items = describe_items(session, {item_id for item_id, _ in found})
    places = {place for _, row in found for place in (row.from_location_id, row.to_location_id) if place is not None}
    names: dict[int | None, str] = {place: name.code for place, name in describe_locations(session, places).items()}
    return [
        EntryRow(
            row.recorded_at, row.id, row.kind, items[item_id].sku, items[item_id].name, row.quantity,
            names.get(row.from_location_id), row.from_state, row.from_after,
            names.get(row.to_location_id), row.to_state, row.to_after,
        )
        for item_id, row in found
    ]  # fmt: skip


def figures(session: Session, channels: Sequence[ChannelRef], now: datetime) -> dict[int, Figures]:
    """Return each channel's figures, today being its entity's; counts of events and parked ones stop at 10,000."""
    arguments = {"channels": int_array([channel.id for channel in channels]), "now": now, "most": COUNT_MAX}
    return {row[0]: Figures(*row[1:]) for row in cursor(session).execute(FIGURES, arguments).fetchall()}


def parked_in(session: Session, entity_id: int) -> tuple[int, int]:
    """Return how many events of an entity are parked (to 10,000), and how many are in conflict."""
    row: tuple[int, int] | None = (
        cursor(session).execute(PARKED_IN, {"entity": entity_id, "most": COUNT_MAX}).fetchone()
    )
    return row or (0, 0)


def parked_reasons(session: Session, channel: ChannelRef) -> list[tuple[str, int]]:
    """Return why events of a channel are parked, and how many for each reason, most first."""
    rows: list[Any] = cursor(session).execute(REASONS, (channel.entity_id, channel.id)).fetchall()
    return rows


def steps(session: Session, channel: ChannelRef) -> list[StepRow]:
    """Return the steps of a channel's life, newest first, at most 200."""
    rows = cursor(session).execute(STEPS, (channel.id, channel.entity_id, STEPS_MAX)).fetchall()
    return [StepRow(*row) for row in rows]


def order_lines(session: Session, channel: ChannelRef, order: str) -> list[OrderLineRow]:
    """Return the lines of an order that the channel has told of."""
    rows = cursor(session).execute(ORDER_LINES, (channel.id, order, channel.entity_id)).fetchall()
    items = describe_items(session, {row[1] for row in rows})
    return [OrderLineRow(row[0], items[row[1]].sku, *row[2:]) for row in rows]


def order_units(session: Session, channel: ChannelRef, orders: Collection[str]) -> list[OrderUnits]:
    """Return what a channel has told of each item of its orders by now; nothing of orders it has not told of.

    Facts come in any order: more may be cancelled or fulfilled of an order than was ordered yet.
    """
    arguments = (channel.id, text_array(sorted(set(orders))), channel.entity_id)
    return [OrderUnits(*row) for row in cursor(session).execute(ORDER_UNITS, arguments).fetchall()]


def reported(
    session: Session, channel: ChannelRef, location_ids: Collection[int], item_ids: Collection[int]
) -> list[tuple[int, int]]:  # fmt: skip
    """Return which of these items a channel told a number of at these locations, as (location, item)."""
    arguments = (channel.id, channel.entity_id, int_array(location_ids), int_array(item_ids))
    rows: list[Any] = cursor(session).execute(REPORTED, arguments).fetchall()
    return [(row[0], row[1]) for row in rows]


def location_codes(session: Session, channels: Sequence[ChannelRef]) -> dict[int, str]:
    """Return the codes of all locations that channels sell from, by id."""
    ids = {location_id for channel in channels for location_id in channel.location_ids}
    return {location_id: name.code for location_id, name in describe_locations(session, ids).items()}
