"""Health: what a channel's last hour says of it, against what its policies allow."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from onhand.db import cursor, int_array
from onhand.policies.services import resolve
from sqlalchemy.orm import Session

from onhand_channels.services.latency import limit_of
from onhand_channels.values import ChannelRef

__all__ = ["PARKED_PERCENT", "SILENCE", "WINDOW", "Health", "health_of"]

PARKED_PERCENT, SILENCE = "channels.parked_percent_max", "channels.silence_seconds_max"
WINDOW = timedelta(hours=1)
EVENTS_MAX = 2_000
EVENTS_MIN = 20
"""Of fewer events no share is judged: one of three says nothing."""
# Of each channel the newest events only, found by index: it costs the same however much a channel tells.
MEASURE = """
/* health.measure */ SELECT k.id, l.recorded_at, e.events, e.parked, e.p50, e.p95, f.conflicts
FROM unnest(%(channels)s::int[], %(entities)s::int[]) AS k (id, entity_id)
LEFT JOIN LATERAL (SELECT recorded_at FROM channels.event WHERE channel_id = k.id ORDER BY recorded_at DESC LIMIT 1) l ON true
CROSS JOIN LATERAL (
  SELECT count(*) AS events, count(*) FILTER (WHERE o.outcome = 'parked') AS parked,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY o.seconds) FILTER (WHERE o.outcome <> 'parked') AS p50,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY o.seconds) FILTER (WHERE o.outcome <> 'parked') AS p95
  FROM (
    SELECT outcome, greatest(extract(epoch FROM recorded_at - occurred_at), 0)::float8 AS seconds
    FROM channels.event WHERE channel_id = k.id AND recorded_at > %(since)s ORDER BY recorded_at DESC LIMIT %(most)s
  ) o
) e
CROSS JOIN LATERAL (
  SELECT count(*) AS conflicts FROM channels.event_conflict c
  WHERE c.entity_id = k.entity_id AND c.channel_id = k.id AND c.settled_at IS NULL AND c.recorded_at > %(since)s
) f
"""


class Health(Struct, frozen=True):
    """A channel's last hour, of its newest 2,000 events. `faults` says in words what is beyond what policies allow."""

    last_event_at: datetime | None
    events: int
    parked: int
    conflicts: int
    p50_seconds: float | None
    p95_seconds: float | None
    limit_seconds: int
    faults: tuple[str, ...]

    @property
    def parked_percent(self) -> float:
        """Of a hundred events so many were parked."""
        return 100 * self.parked / self.events if self.events else 0.0

    @property
    def conflict_percent(self) -> float:
        """To a hundred events so many others came under an id that was used."""
        return 100 * self.conflicts / self.events if self.events else 0.0


def health_of(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> dict[int, Health]:
    """Return the health of each channel by its id. One statement, whatever their number."""
    arguments = {
        "channels": int_array([channel.id for channel in channels]),
        "entities": int_array([channel.entity_id for channel in channels]),
        "since": now - WINDOW,
        "most": EVENTS_MAX,
    }
    rows = {row[0]: row[1:] for row in cursor(session).execute(MEASURE, arguments).fetchall()}
    return {channel.id: _health(session, channel, rows[channel.id], now) for channel in channels}


def _health(session: Session, channel: ChannelRef, row: tuple[Any, ...], now: datetime) -> Health:
    last, events, parked, p50, p95, conflicts = row
    bare = Health(last, events, parked, conflicts, p50, p95, limit_of(session, channel, now), ())
    faults: list[str] = []
    if bare.p95_seconds is not None and bare.p95_seconds > bare.limit_seconds:
        faults.append(f"late: 95 % within {bare.p95_seconds:.0f} s, {bare.limit_seconds} s are allowed")
    most = int(resolve(session, PARKED_PERCENT, channel.where, at=now))
    if bare.events >= EVENTS_MIN and bare.parked_percent > most:
        faults.append(f"parked: {bare.parked_percent:.0f} % of its events, {most} % are allowed")
    if bare.events >= EVENTS_MIN and bare.conflict_percent > most:
        faults.append(f"conflicts: {bare.conflict_percent:.0f} % of its events, {most} % are allowed")
    silence = int(resolve(session, SILENCE, channel.where, at=now))
    if silence and (bare.last_event_at is None or (now - bare.last_event_at).total_seconds() > silence):
        faults.append(f"silent: no event for {silence} s")
    return Health(
        bare.last_event_at, bare.events, bare.parked, bare.conflicts, bare.p50_seconds, bare.p95_seconds,
        bare.limit_seconds, tuple(faults),
    )  # fmt: skip
