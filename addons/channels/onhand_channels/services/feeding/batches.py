"""Batches: what is due of a channel, the longest waiting first, within its budget; each number is asked anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from msgspec import Struct
from onhand.db import cursor, int_array
from onhand.policies.services import resolve
from onhand.transaction import context
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_channels.feed_values import FeedKey, Publisher, Write
from onhand_channels.services.feeding.serving import publisher_of
from onhand_channels.services.registry import channels_by_code
from onhand_channels.values import ChannelRef

__all__ = ["WRITES_PER_MINUTE", "Batch", "ready", "take"]

WRITES_PER_MINUTE = "channels.feed_writes_per_minute"
LEASE = timedelta(seconds=120)
DUE_MAX = 500
READY = """
/* feed.ready */ SELECT f.channel_id, f.tokens, f.refilled_at FROM channels.feed f
WHERE f.channel_id = ANY(%(channels)s::int[]) AND coalesce(f.busy_until <= %(now)s, true)
  AND coalesce(f.paused_until <= %(now)s, true) AND EXISTS (
    SELECT FROM channels.feed_key k WHERE k.channel_id = f.channel_id AND k.change_seq > k.settled_seq
      AND k.parked_at IS NULL AND coalesce(k.not_before <= %(now)s, true)
  )
"""
LOCK = """
/* feed.turn */ SELECT tokens, refilled_at FROM channels.feed WHERE channel_id = %(channel)s
  AND coalesce(busy_until <= %(now)s, true) AND coalesce(paused_until <= %(now)s, true)
FOR NO KEY UPDATE SKIP LOCKED
"""
# A number of the channel's own counts when it is of later than what the channel last acknowledged.
DUE = """
/* feed.due */ SELECT k.item_id, k.location_id, k.change_seq, k.sent_seq, k.sent_quantity, k.sent_compare,
  k.acknowledged_quantity, k.in_flight, k.counted_id,
  CASE WHEN r.as_of > coalesce(k.theirs_at, '-infinity') THEN r.theirs ELSE k.theirs END
FROM channels.feed_key k
LEFT JOIN channels.stock_report r ON r.channel_id = k.channel_id AND r.location_id = k.location_id
  AND r.item_id = k.item_id AND r.as_of > k.acknowledged_at AND r.acknowledged_at IS NULL
WHERE k.channel_id = %(channel)s AND k.change_seq > k.settled_seq AND k.parked_at IS NULL
  AND coalesce(k.not_before <= %(now)s, true)
ORDER BY k.changed_at, k.item_id, k.location_id LIMIT %(most)s FOR NO KEY UPDATE OF k
"""
LAST = "/* feed.last */ SELECT last_value FROM stock.movement_id_seq"
# Entries of one balance become visible in the order of their ids: after the last one counted nothing is missed.
TOLD = """
/* feed.told */ SELECT k.n, coalesce(max(m.id), 0), coalesce(sum(m.quantity) FILTER (
    WHERE m.source = %(code)s AND m.from_location_id = k.location_id
      AND m.from_state IN ('available', 'shortage')), 0)
FROM unnest(%(items)s::int[], %(locations)s::int[], %(counted)s::bigint[])
  WITH ORDINALITY AS k (item_id, location_id, counted_id, n)
LEFT JOIN stock.movement m ON m.item_id = k.item_id AND m.id > k.counted_id AND m.entity_id = %(entity)s
  AND k.location_id IN (m.from_location_id, m.to_location_id)
GROUP BY 1 ORDER BY 1
"""
SEND = """
/* feed.send */ UPDATE channels.feed_key k SET change_seq = greatest(k.change_seq, a.watermark), sent_seq = a.watermark, sent_at = %(now)s,
  sent_quantity = a.quantity, sent_compare = a.compare, sent_in_flight = a.in_flight, sent_counted_id = a.counted_id,
  maybe_quantity = coalesce(k.sent_quantity, k.maybe_quantity)
FROM unnest(%(items)s::int[], %(locations)s::int[], %(watermarks)s::bigint[], %(quantities)s::bigint[],
  %(compares)s::bigint[], %(in_flights)s::bigint[], %(counted)s::bigint[])
  AS a (item_id, location_id, watermark, quantity, compare, in_flight, counted_id)
WHERE k.channel_id = %(channel)s AND k.item_id = a.item_id AND k.location_id = a.location_id
"""
AGREE = """
/* feed.agree */ UPDATE channels.feed_key k SET settled_seq = k.change_seq, counted_id = a.counted_id,
  in_flight = a.in_flight,
  in_flight_since = CASE WHEN a.in_flight > 0 THEN CASE WHEN k.in_flight > 0 THEN k.in_flight_since ELSE %(now)s END END,
  acknowledged_quantity = a.quantity,
  acknowledged_at = CASE WHEN k.acknowledged_quantity = a.quantity THEN k.acknowledged_at ELSE %(now)s END,
  theirs = NULL, theirs_at = NULL, stale = 0, attempts = 0, not_before = NULL, reason = NULL, detail = NULL
FROM unnest(%(items)s::int[], %(locations)s::int[], %(quantities)s::bigint[], %(in_flights)s::bigint[],
  %(counted)s::bigint[]) AS a (item_id, location_id, quantity, in_flight, counted_id)
WHERE k.channel_id = %(channel)s AND k.item_id = a.item_id AND k.location_id = a.location_id
"""
SPEND = "/* feed.spend */ UPDATE channels.feed SET tokens = %s, refilled_at = %s, busy_until = %s WHERE channel_id = %s"


class Batch(Struct, frozen=True):
    """Writes that a channel is to be brought now, and by whom. `busy_until` nobody else takes its turn."""

    channel: ChannelRef
    publisher: Publisher
    writes: tuple[Write, ...]
    busy_until: datetime | None


class Due(Struct, frozen=True):
    """A key as it stands: its change, the write that got no answer, what the channel has by what it said."""

    item_id: int
    location_id: int
    change_seq: int
    sent_seq: int | None
    sent_quantity: int | None
    sent_compare: int | None
    acknowledged: int | None
    in_flight: int
    counted_id: int
    theirs: int | None


class Number(Struct, frozen=True):
    """What a channel is to have of a key: `units` to be sold there, `compare` what it has, orders in flight netted out.

    `is_there` says that the channel has it, by its own word.
    """

    units: int
    compare: int | None
    in_flight: int
    counted_id: int
    is_there: bool


def ready(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> list[ChannelRef]:
    """Return the channels for which something is due that may be brought now."""
    arguments = {"channels": int_array([channel.id for channel in channels]), "now": now}
    rows = {row[0]: (row[1], row[2]) for row in cursor(session).execute(READY, arguments).fetchall()}
    return [one for one in channels if one.id in rows and _tokens(session, one, rows[one.id], now) >= 1]


def take(session: Session, code: str, *, now: datetime) -> Batch | None:
    """Take the channel's turn and its next batch: None when nothing is due, the budget is spent, or another has the turn.

    What the channel has already is settled without a write. A write that got no answer is repeated under its watermark
    while its numbers hold; another number takes another watermark, always a greater one. The turn is kept until
    `settle`, or for two minutes.
    """
    channel = next(iter(channels_by_code(session, [code])), None)
    publisher = None if channel is None else publisher_of(session, channel, now=now)
    if channel is None or publisher is None:
        return None
    sql, mine = cursor(session), {"channel": channel.id, "now": now, "most": DUE_MAX}
    turn = sql.execute(LOCK, mine).fetchone()
    tokens = 0.0 if turn is None else _tokens(session, channel, (turn[0], turn[1]), now)
    due = [Due(*row) for row in sql.execute(DUE, mine).fetchall()] if tokens >= 1 else []
    numbers = _numbers(session, channel, publisher, due, now)
    if not numbers:
        return None
    pairs = list(zip(due, numbers, strict=True))
    _agree(session, channel, [pair for pair in pairs if pair[1].is_there], now)
    most = min(publisher.writes_max, int(tokens) * publisher.writes_per_call)
    writes = _send(session, channel, [pair for pair in pairs if not pair[1].is_there][:most], now)
    spent = ceil(len(writes) / publisher.writes_per_call)
    busy_until = now + LEASE if writes else None
    sql.execute(SPEND, (max(tokens - spent, 0.0), now, busy_until, channel.id))
    return Batch(channel, publisher, writes, busy_until)


def number_of(due: Due, units: int, told: int, counted_id: int, *, counts_down: bool) -> Number:
    """Return what a channel is to have of a key of which `units` may be sold there, by our book.

    In flight are the units that the channel took, by its own number, and has not told: those in flight before, and what
    its number fell since it acknowledged ours, less `told`, the units that it told since. Without a newer number of its
    own it is taken to have counted down what it told beyond those; it is asked, by comparing.
    """
    if due.acknowledged is None:
        in_flight = max(due.in_flight - told, 0)
        return Number(max(units - in_flight, 0), due.theirs, in_flight, counted_id, is_there=False)
    if not counts_down:
        has = due.acknowledged if due.theirs is None else due.theirs
        return Number(units, has, 0, counted_id, is_there=units == has and due.sent_seq is None)
    if due.theirs is None:
        has = max(due.acknowledged - max(told - due.in_flight, 0), 0)
        in_flight = max(due.in_flight - told, 0)
        is_known = told <= due.in_flight
    else:
        has = due.theirs
        in_flight = max(due.in_flight + due.acknowledged - has - told, 0)
        is_known = True
    left = max(units - in_flight, 0)
    return Number(left, has, in_flight, counted_id, is_there=left == has and is_known and due.sent_seq is None)


def _numbers(
    session: Session, channel: ChannelRef, publisher: Publisher, due: Sequence[Due], now: datetime
) -> list[Number]:
    caller = context(session).addons.caller("promisable", channel.entity_id, now)
    if not due or caller is None:
        return []
    # What it told is read first: a sale that is posted in between is missing from that, so too little is published.
    told = _told(session, channel, due) if publisher.counts_down else [(0, 0)] * len(due)
    keys = [FeedKey(one.item_id, one.location_id) for one in due]
    units = caller(session=session, channel=channel, keys=keys, now=now)
    if units is None:
        return []
    return [
        number_of(one, max(int(left), 0), sold, counted, counts_down=publisher.counts_down)
        for one, left, (sold, counted) in zip(due, units, told, strict=True)
    ]


def _told(session: Session, channel: ChannelRef, due: Sequence[Due]) -> list[tuple[int, int]]:
    """Return how many units of each key the channel told since they were last counted, and up to which entry."""
    sql = cursor(session)
    last = sql.execute(LAST).fetchone()
    assert last is not None  # noqa: S101 - a sequence is one row
    counted = [last[0] if one.acknowledged is None and not one.in_flight else one.counted_id for one in due]
    arguments = {
        "code": channel.code,
        "entity": channel.entity_id,
        "items": int_array([one.item_id for one in due]),
        "locations": int_array([one.location_id for one in due]),
        "counted": int_array(counted),
    }
    rows = sql.execute(TOLD, arguments).fetchall()
    return [(int(row[2]), max(row[1], before)) for row, before in zip(rows, counted, strict=True)]


def _agree(session: Session, channel: ChannelRef, pairs: Sequence[tuple[Due, Number]], now: datetime) -> None:
    if pairs:
        cursor(session).execute(AGREE, _columns(channel, pairs, now))


def _send(
    session: Session, channel: ChannelRef, pairs: Sequence[tuple[Due, Number]], now: datetime
) -> tuple[Write, ...]:
    if not pairs:
        return ()
    watermarks = [_watermark(due, number) for due, number in pairs]
    more = {
        "watermarks": int_array(watermarks),
        "compares": int_array([number.compare for _, number in pairs]),
    }
    cursor(session).execute(SEND, _columns(channel, pairs, now) | more)
    items = describe_items(session, {due.item_id for due, _ in pairs})
    places = describe_locations(session, {due.location_id for due, _ in pairs})
    return tuple(
        Write(
            due.item_id, due.location_id, items[due.item_id].sku, places[due.location_id].code, number.units,
            number.compare, watermark, f"{channel.code}:{due.item_id}:{due.location_id}:{watermark}",
        )
        for (due, number), watermark in zip(pairs, watermarks, strict=True)
    )  # fmt: skip


def _watermark(due: Due, number: Number) -> int:
    if due.sent_seq is not None and (due.sent_quantity, due.sent_compare) == (number.units, number.compare):
        return due.sent_seq
    return due.change_seq + (due.sent_seq == due.change_seq)


def _columns(channel: ChannelRef, pairs: Sequence[tuple[Due, Number]], now: datetime) -> dict[str, object]:
    return {
        "channel": channel.id,
        "now": now,
        "items": int_array([due.item_id for due, _ in pairs]),
        "locations": int_array([due.location_id for due, _ in pairs]),
        "quantities": int_array([number.units for _, number in pairs]),
        "in_flights": int_array([number.in_flight for _, number in pairs]),
        "counted": int_array([number.counted_id for _, number in pairs]),
    }


def _tokens(session: Session, channel: ChannelRef, row: tuple[float, datetime], now: datetime) -> float:
    """Return what is left of a channel's budget: it refills evenly, and never holds more than a tenth of a minute's."""
    tokens, refilled_at = row
    rate = int(resolve(session, WRITES_PER_MINUTE, channel.where, at=now))
    refilled = tokens + max((now - refilled_at).total_seconds(), 0.0) * rate / 60
    return min(refilled, max(rate / 10, 1.0))
