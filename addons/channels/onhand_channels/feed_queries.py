"""What pages, the command line and metrics show of the feed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from onhand.contributions import Measure
from onhand.db import cursor, int_array
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef

__all__ = [
    "PARKED_MAX",
    "FeedStatus",
    "ParkedKey",
    "StaleKey",
    "feed_measures",
    "feed_status",
    "parked_keys",
    "stale_keys",
]

WINDOW = timedelta(hours=1)
COUNT_MAX = 100_000
PARKED_MAX = 50
# Counting stops where a number says no more: a channel may have millions of keys.
STATUS = """
/* feed.status */ SELECT f.channel_id, d.due, d.oldest, p.parked, a.acknowledged, a.p50, a.p95, i.units, g.gaps,
  CASE WHEN f.paused_until > %(now)s THEN f.paused_until END, f.seed_from IS NOT NULL
FROM channels.feed f
CROSS JOIN LATERAL (
  SELECT count(*) AS due, min(o.changed_at) AS oldest FROM (
    SELECT changed_at FROM channels.feed_key
    WHERE channel_id = f.channel_id AND change_seq > settled_seq AND parked_at IS NULL ORDER BY changed_at LIMIT %(most)s
  ) o
) d
CROSS JOIN LATERAL (
  SELECT count(*) AS parked FROM (
    SELECT FROM channels.feed_key WHERE channel_id = f.channel_id AND parked_at IS NOT NULL LIMIT %(most)s
  ) o
) p
CROSS JOIN LATERAL (
  SELECT count(*) AS acknowledged, percentile_disc(0.5) WITHIN GROUP (ORDER BY o.lag_seconds) AS p50,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY o.lag_seconds) AS p95
  FROM (
    SELECT lag_seconds FROM channels.feed_key WHERE channel_id = f.channel_id AND acknowledged_at > %(since)s
      AND lag_seconds IS NOT NULL ORDER BY acknowledged_at DESC LIMIT 10000
  ) o
) a
CROSS JOIN LATERAL (
  SELECT coalesce(sum(in_flight), 0)::bigint AS units FROM channels.feed_key
  WHERE channel_id = f.channel_id AND in_flight > 0
) i
CROSS JOIN LATERAL (
  SELECT count(*) AS gaps FROM channels.feed_key
  WHERE entity_id = f.entity_id AND channel_id = f.channel_id AND stale > 1
) g
WHERE f.channel_id = ANY(%(channels)s::int[])
"""
PARKED = """
/* feed.parked */ SELECT i.sku, l.code, k.reason, k.detail, k.attempts, k.parked_at
FROM channels.feed_key k JOIN master_data.item i ON i.id = k.item_id JOIN master_data.location l ON l.id = k.location_id
WHERE k.channel_id = %s AND k.parked_at IS NOT NULL ORDER BY k.parked_at DESC, i.sku, l.code LIMIT %s
"""
STALE = """
/* feed.stale */ SELECT i.sku, l.code, k.theirs, k.acknowledged_quantity, k.theirs_at
FROM channels.feed_key k JOIN master_data.item i ON i.id = k.item_id JOIN master_data.location l ON l.id = k.location_id
WHERE k.entity_id = %s AND k.channel_id = %s AND k.stale > 1 ORDER BY k.theirs_at DESC, i.sku, l.code LIMIT %s
"""
CODES = """
/* feed.codes */ SELECT c.id, c.code, e.code FROM channels.feed f JOIN channels.channel c ON c.id = f.channel_id
JOIN onhand.entity e ON e.id = f.entity_id WHERE c.state = 'live' ORDER BY 2
"""


class FeedStatus(Struct, frozen=True):
    """A channel's feed: keys due and since when, parked, stale; the lag of what was acknowledged in the last hour.

    `in_flight` are units that the channel took and has not told. Counts end at 100,000.
    """

    due: int
    oldest_due_at: datetime | None
    parked: int
    acknowledged: int
    p50_seconds: float | None
    p95_seconds: float | None
    in_flight: int
    stale: int
    paused_until: datetime | None
    is_behind: bool


class StaleKey(Struct, frozen=True):
    """A key of which the channel has another number, `theirs`, than the last that it acknowledged, again and again."""

    sku: str
    location: str
    theirs: int
    acknowledged: int | None
    theirs_at: datetime


class ParkedKey(Struct, frozen=True):
    """A key that is not tried again by itself, and why."""

    sku: str
    location: str
    reason: str
    detail: str | None
    attempts: int
    parked_at: datetime


def feed_status(session: Session, channel_ids: Sequence[int], *, now: datetime) -> dict[int, FeedStatus]:
    """Return the feed of each channel that was ever fed, by its id. One statement, whatever their number."""
    arguments = {"channels": int_array(channel_ids), "now": now, "since": now - WINDOW, "most": COUNT_MAX}
    return {row[0]: FeedStatus(*row[1:]) for row in cursor(session).execute(STATUS, arguments).fetchall()}


def parked_keys(session: Session, channel: ChannelRef) -> list[ParkedKey]:
    """Return the keys of a channel that were parked last, at most 50."""
    return [ParkedKey(*row) for row in cursor(session).execute(PARKED, (channel.id, PARKED_MAX)).fetchall()]


def stale_keys(session: Session, channel: ChannelRef) -> list[StaleKey]:
    """Return the keys of which a channel has another number, the latest seen first, at most 50."""
    rows = cursor(session).execute(STALE, (channel.entity_id, channel.id, PARKED_MAX)).fetchall()
    return [StaleKey(*row) for row in rows]


def feed_measures(session: Session, now: datetime) -> list[Measure]:
    """Return what Prometheus is told of each live channel's feed: what is due, parked and stale, the wait and the lag."""
    codes: dict[int, tuple[str, str]] = {row[0]: (row[1], row[2]) for row in cursor(session).execute(CODES).fetchall()}
    found: list[Measure] = []
    for channel_id, status in feed_status(session, list(codes), now=now).items():
        channel, entity = codes[channel_id]
        labels = {"channel": channel, "entity": entity}
        waits = (now - status.oldest_due_at).total_seconds() if status.oldest_due_at else 0.0
        figures: list[tuple[str, str, Any]] = [
            ("due", "Keys of a channel's feed that are due", status.due),
            ("parked", "Keys of a channel's feed that were given up until a person retries them", status.parked),
            ("stale", "Keys of which a channel has another number than it acknowledged", status.stale),
            ("in_flight_units", "Units that a channel took and has not told", status.in_flight),
            ("wait_seconds", "How long the key waits that waits longest", waits),
            ("lag_p50_seconds", "Half of the last hour's numbers were acknowledged within", status.p50_seconds),
            ("lag_p95_seconds", "95 % of the last hour's numbers were acknowledged within", status.p95_seconds),
        ]
        found += [
            Measure(f"onhand_channels_feed_{name}", explains, value, labels)
            for name, explains, value in figures
            if value is not None
        ]
    return found
