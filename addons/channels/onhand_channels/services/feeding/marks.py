"""Marking: which keys of which channels changed. It reads the ledger behind it; whoever posts pays nothing for it.

The ledger is the outbox here. Its entries become visible in another order than they are recorded in, but those of one
balance in the order of their ids: these are drawn under its lock. So what was recorded since the oldest transaction of
the last reading began is read again each time, and a key is marked when it has an entry it was not yet marked by.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from onhand.db import cursor, int_array, text_array, time_array
from onhand.policies.services import resolve
from sqlalchemy.orm import Session

from onhand_channels.feed_values import Publisher
from onhand_channels.services.feeding.serving import publishers, served
from onhand_channels.services.registry import channels_of
from onhand_channels.values import ChannelRef

__all__ = ["IN_FLIGHT_MINUTES", "Marked", "mark"]

IN_FLIGHT_MINUTES = "channels.feed_in_flight_minutes"
SEED_ITEMS_MAX = 2_000
READ_AGAIN = timedelta(seconds=2)
"""What is read again beyond the oldest open transaction: sessions show when theirs began a moment after it did."""
GONE_THROUGH_AGAIN = timedelta(hours=6)
CATCH_UP = timedelta(minutes=15)
"""Who is further behind goes through all keys instead of reading so much of the ledger."""
SECONDS_MAX = 30
# Of other accounts' sessions the beginning is not told; only the application's own post.
OLDEST = """
/* feed.oldest */ SELECT least(min(xact_start), statement_timestamp()), statement_timestamp() FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""
POLICIES = "/* feed.policies */ SELECT count(*) FROM onhand.policy_version WHERE effective_from <= %s"
OPEN = """
/* feed.open */ INSERT INTO channels.feed (channel_id, entity_id, terms, read_from, refilled_at)
SELECT k.channel_id, k.entity_id, '', %s::timestamptz, %s::timestamptz - interval '1 minute'
FROM unnest(%s::int[], %s::int[]) AS k (channel_id, entity_id) ORDER BY 1
ON CONFLICT DO NOTHING
"""
LOCK = """
/* feed.lock */ SELECT channel_id, terms, read_from, seed_from FROM channels.feed
WHERE channel_id = ANY(%s::int[]) ORDER BY channel_id FOR NO KEY UPDATE
"""
ADVANCE = """
/* feed.advance */ UPDATE channels.feed f SET terms = k.terms, read_from = k.read_from, seed_from = k.seed_from
FROM unnest(%s::int[], %s::text[], %s::timestamptz[], %s::int[]) AS k (channel_id, terms, read_from, seed_from)
WHERE f.channel_id = k.channel_id
"""
MARK = """
/* feed.mark */ WITH moved AS (
  SELECT p.channel_id, m.item_id, p.location_id, p.entity_id, max(m.id) AS ledger_id, min(m.recorded_at) AS recorded_at
  FROM stock.movement m
  CROSS JOIN LATERAL (VALUES (m.from_location_id, m.from_state), (m.to_location_id, m.to_state)) AS l (location_id, state)
  JOIN channels.channel_location p ON p.location_id = l.location_id AND p.channel_id = ANY(%(channels)s::int[])
  LEFT JOIN channels.feed_key k
    ON k.channel_id = p.channel_id AND k.item_id = m.item_id AND k.location_id = p.location_id
  WHERE m.recorded_at >= %(since)s AND m.entity_id = ANY(%(entities)s::int[]) AND l.state = 'available'
    AND m.id > coalesce(k.ledger_id, 0)
  GROUP BY 1, 2, 3, 4
)
INSERT INTO channels.feed_key AS k (channel_id, item_id, location_id, entity_id, changed_at, change_seq, ledger_id)
SELECT channel_id, item_id, location_id, entity_id, recorded_at, 1, ledger_id FROM moved ORDER BY 1, 2, 3
ON CONFLICT (channel_id, item_id, location_id) DO UPDATE SET change_seq = k.change_seq + 1,
  ledger_id = excluded.ledger_id,
  changed_at = CASE WHEN k.change_seq > k.settled_seq THEN k.changed_at ELSE excluded.changed_at END
WHERE excluded.ledger_id > k.ledger_id
"""
# A key that is due already needs no other mark: what it is worth is asked when it is taken.
SEED = """
/* feed.seed */ WITH items AS (
  SELECT DISTINCT b.item_id FROM stock.balance b
  WHERE b.item_id > %(after)s AND b.location_id = ANY(%(locations)s::int[]) ORDER BY 1 LIMIT %(most)s
), keys AS (
  INSERT INTO channels.feed_key AS k (channel_id, item_id, location_id, entity_id, changed_at, change_seq)
  SELECT %(channel)s, b.item_id, b.location_id, b.entity_id, %(now)s, 1
  FROM items JOIN stock.balance b ON b.item_id = items.item_id AND b.location_id = ANY(%(locations)s::int[])
  ORDER BY 2, 3
  ON CONFLICT (channel_id, item_id, location_id) DO UPDATE SET change_seq = k.change_seq + 1, changed_at = %(now)s
  WHERE k.change_seq = k.settled_seq
)
SELECT count(*), max(item_id) FROM items
"""
# What the channel no longer sells from must go to nothing there.
LEFT = """
/* feed.left */ UPDATE channels.feed_key k SET change_seq = k.change_seq + 1, changed_at = %s
WHERE k.channel_id = %s AND k.location_id <> ALL(%s::int[]) AND k.change_seq = k.settled_seq
  AND k.acknowledged_quantity > 0
"""
FORGET = """
/* feed.forget */ UPDATE channels.feed_key k SET in_flight = 0, in_flight_since = NULL, change_seq = k.change_seq + 1,
  changed_at = CASE WHEN k.change_seq > k.settled_seq THEN k.changed_at ELSE %s::timestamptz END
FROM unnest(%s::int[], %s::timestamptz[]) AS c (channel_id, before)
WHERE k.channel_id = c.channel_id AND k.in_flight > 0 AND k.in_flight_since < c.before
"""


class Marked(Struct, frozen=True):
    """The channels that are fed, and whether some of their keys are still to be gone through."""

    channels: tuple[ChannelRef, ...] = ()
    is_behind: bool = False


def mark(session: Session, entities: Sequence[int], *, now: datetime) -> Marked:
    """Mark what changed for each channel that is fed, once however often it did.

    A channel's keys are all gone through again, in pieces, when its first number is due, when its locations, its mode
    or any policy change, and every six hours. Twice is harmless. Where no add-on publishes it reads nothing.
    """
    if not publishers(session):
        return Marked()
    channels = [channel for channel in channels_of(session, entities) if channel.active]
    feeders = served(session, channels, now=now)
    fed = [channel for channel in channels if channel.id in feeders]
    if not fed:
        return Marked()
    sql = cursor(session)
    row = sql.execute(OLDEST).fetchone()
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    read_next, moment = row[0] - READ_AGAIN, row[1]
    ids = int_array([channel.id for channel in fed])
    locked = sql.execute(LOCK, (ids,)).fetchall()
    if len(locked) < len(fed):
        sql.execute(OPEN, (moment, now, ids, int_array([channel.entity_id for channel in fed])))
        locked = sql.execute(LOCK, (ids,)).fetchall()
    found = {row[0]: row[1:] for row in locked}
    behind = {channel_id for channel_id, row in found.items() if now - row[1] > CATCH_UP}
    since = min((row[1] for channel_id, row in found.items() if channel_id not in behind), default=moment)
    scope = int_array({channel.entity_id for channel in fed})
    sql.execute("SELECT set_config('statement_timeout', %s, true)", (f"{SECONDS_MAX}s",))
    marked = sql.execute(MARK, {"channels": ids, "since": since, "entities": scope}).rowcount
    terms = _terms(session, fed, feeders, now)
    anew = {one.id for one in fed if found[one.id][0] != terms[one.id]} | behind
    seeds = {one.id: _seed(session, one, 0 if one.id in anew else found[one.id][2], now) for one in fed}
    _forget(session, fed, now)
    if marked or anew or any(found[one.id][2] != seeds[one.id] for one in fed) or read_next - since > 2 * READ_AGAIN:
        columns = text_array([terms[one.id] for one in fed]), time_array([read_next] * len(fed))
        sql.execute(ADVANCE, (ids, *columns, int_array([seeds[one.id] for one in fed])))
    return Marked(tuple(fed), any(seed is not None for seed in seeds.values()))


def _terms(
    session: Session, fed: Sequence[ChannelRef], feeders: Mapping[int, Publisher], now: datetime
) -> dict[int, str]:
    """Return a digest of what each channel's numbers depend on beside balances."""
    policies = cursor(session).execute(POLICIES, (now,)).fetchone()
    stretch = int(now.timestamp() // GONE_THROUGH_AGAIN.total_seconds())
    return {
        one.id: sha256(
            repr((feeders[one.id].name, one.mode, one.buffer_raise, one.location_ids, policies, stretch)).encode()
        ).hexdigest()
        for one in fed
    }


def _seed(session: Session, channel: ChannelRef, after: int | None, now: datetime) -> int | None:
    """Mark the next items of a channel that is gone through; return after which to go on, None when there is none."""
    if after is None:
        return None
    sql, locations = cursor(session), int_array(channel.location_ids)
    if after == 0:
        sql.execute(LEFT, (now, channel.id, locations))
    arguments = {
        "after": after, "locations": locations, "most": SEED_ITEMS_MAX, "channel": channel.id, "now": now,
    }  # fmt: skip
    found = sql.execute(SEED, arguments).fetchone()
    assert found is not None  # noqa: S101 - an aggregate without GROUP BY has one row
    return found[1] if found[0] == SEED_ITEMS_MAX else None


def _forget(session: Session, fed: Sequence[ChannelRef], now: datetime) -> None:
    """No longer net out orders that were not told for so long that they will not be."""
    befores = [
        now - timedelta(minutes=int(resolve(session, IN_FLIGHT_MINUTES, channel.where, at=now))) for channel in fed
    ]
    cursor(session).execute(FORGET, (now, int_array([channel.id for channel in fed]), time_array(befores)))
