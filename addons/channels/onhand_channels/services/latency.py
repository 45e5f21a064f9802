"""Latency: how long after they occurred a channel's facts are recorded, against what its policy allows."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from onhand.db import cursor, int_array
from onhand.events import Cause
from onhand.policies.services import resolve
from sqlalchemy.orm import Session

from onhand_channels.services import causes
from onhand_channels.services.registry import channels_of
from onhand_channels.values import ChannelRef, Incoming

__all__ = ["POLICY", "REPORT_EVENTS_MAX", "WINDOW", "Latency", "late_now", "limit_of", "report", "standing"]

POLICY = "channels.latency_seconds_max"
WINDOW = timedelta(hours=1)
CHECK_EVENTS_MAX = 2_000
REPORT_EVENTS_MAX = 100_000
# Per channel the newest events only, found by index: a report costs the same however much the channel tells.
MEASURE = """
/* latency.measure */ SELECT c.id, e.type, count(*),
  percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY e.seconds), max(e.seconds), min(e.recorded_at),
  max(e.occurred_at)
FROM unnest(%(channels)s::int[]) AS c (id) CROSS JOIN LATERAL (
  SELECT type, recorded_at, occurred_at, greatest(extract(epoch FROM recorded_at - occurred_at), 0)::float8 AS seconds
  FROM channels.event WHERE channel_id = c.id AND outcome <> 'parked' AND recorded_at > %(since)s
  ORDER BY recorded_at DESC LIMIT %(most)s
) e GROUP BY GROUPING SETS ((c.id, e.type), (c.id)) ORDER BY c.id, e.type NULLS FIRST
"""


class Latency(Struct, frozen=True):
    """Latencies of a channel's newest events of one type, or with type None of all; `since` is the oldest's record."""

    channel_id: int
    type: str | None
    events: int
    p50_seconds: float
    p95_seconds: float
    max_seconds: float
    since: datetime
    last_occurred_at: datetime


def report(
    session: Session, channels: Sequence[ChannelRef], *, since: datetime, most: int = REPORT_EVENTS_MAX
) -> list[Latency]:
    """Return the latencies of what channels told since a moment, in all and per type.

    Of the events posted in that time at most the newest `most` per channel are counted. Replays keep the time at which
    they first arrived.
    """
    arguments = {"channels": int_array([channel.id for channel in channels]), "since": since, "most": most}
    rows = cursor(session).execute(MEASURE, arguments).fetchall()
    return [Latency(row[0], row[1], row[2], row[3][0], row[3][1], *row[4:]) for row in rows]


def limit_of(session: Session, channel: ChannelRef, at: datetime, type_name: str | None = None) -> int:
    """Return the seconds a channel may take to tell a type of event, by policy."""
    return int(resolve(session, POLICY, channel.where, at=at, facts={"type": type_name} if type_name else None))


def late_now(session: Session, entity_id: int, events: Sequence[Incoming], now: datetime) -> list[Cause]:
    """Return which channels and types have just told facts later than they may, with the latest of each."""
    limits: dict[tuple[str, str], int] = {}
    worst: dict[tuple[str, str], tuple[float, int]] = {}
    count: Counter[tuple[str, str]] = Counter()
    for event in events:
        channel = event.channel
        key = (channel.code, event.type)
        if key not in limits:
            limits[key] = limit_of(session, channel, now, event.type)
        seconds = (now - event.occurred_at).total_seconds()
        if seconds > limits[key]:
            count[key] += 1
            worst[key] = max(worst.get(key, (0.0, 0)), (seconds, limits[key]))
    return [causes.late(entity_id, *key, count[key], *worst[key], now) for key in count]


def standing(
    session: Session, entity_id: int, wanted: Collection[tuple[str, str]] | None, now: datetime
) -> list[Cause]:  # fmt: skip
    """Return the channels and types whose newest facts of the last hour, at the 95th percentile, came too late."""
    codes = None if wanted is None else {code for code, _ in wanted}
    channels = [
        channel
        for channel in channels_of(session, [entity_id])
        if not channel.is_shadow and (codes is None or channel.code in codes)
    ]
    by_id = {channel.id: channel for channel in channels}
    found: list[Cause] = []
    for one in report(session, channels, since=now - WINDOW, most=CHECK_EVENTS_MAX):
        channel = by_id[one.channel_id]
        if one.type is None or (wanted is not None and (channel.code, one.type) not in wanted):
            continue
        limit = limit_of(session, channel, now, one.type)
        if one.p95_seconds > limit:
            found.append(causes.late(entity_id, channel.code, one.type, one.events, one.p95_seconds, limit, now))
    return found
