"""Figures of the executive view: how late channels tell what happened."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from onhand.contributions import Kpi, KpiColumn
from onhand.db import int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.services import latency
from onhand_channels.services.registry import channels_of

__all__ = ["KPIS"]

EVENTS = f"""
  SELECT w.code, w.level, e.* FROM unnest(%(channels)s::int[], %(codes)s::text[], %(levels)s::int[]) AS w (id, code, level)
  CROSS JOIN LATERAL (
    SELECT type, event_id, occurred_at, recorded_at,
      greatest(extract(epoch FROM recorded_at - occurred_at), 0)::float8 AS seconds
    FROM channels.event
    WHERE channel_id = w.id AND outcome = 'posted' AND recorded_at > %(since)s AND recorded_at <= %(until)s
    ORDER BY recorded_at DESC LIMIT {latency.REPORT_EVENTS_MAX}
  ) e
"""


def _limits(session: Session, entity_id: int, since: datetime, until: datetime) -> dict[str, Any]:  # noqa: ARG001 - figures are asked so
    """Return the entity's channels, and the latency that policy allows each at the end of the period."""
    channels = channels_of(session, [entity_id])
    return {
        "channels": int_array(channel.id for channel in channels),
        "codes": text_array(channel.code for channel in channels),
        "levels": int_array(latency.limit_of(session, channel, until) for channel in channels),
    }


def _event_page(row: Mapping[str, Any]) -> str:
    return f"/channels/{row['channel']}/event?{urlencode({'id': row['event_id']})}"


KPIS = [
    Kpi(
        name="channels.latency",
        label="Transaction latency",
        explains="Seconds from when something happened to when we knew, per channel and type, against the channel's service"
        " level: half of all events, and 95 of 100, came within. At most the newest 100 000 of a channel count.",
        permission="channels.read",
        sql=f"""
SELECT code || '/' || coalesce(type, '*') AS key, code AS channel, coalesce(type, 'all') AS type, count(*) AS events,
  percentile_disc(0.5) WITHIN GROUP (ORDER BY seconds) AS p50, percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
  max(level) AS level, count(*) FILTER (WHERE seconds > level) AS late,
  CASE WHEN percentile_disc(0.95) WITHIN GROUP (ORDER BY seconds) > max(level) THEN 'bad|beyond' ELSE 'good|within' END AS verdict
FROM ({EVENTS}) told
GROUP BY GROUPING SETS ((code), (code, type)) ORDER BY code, type NULLS FIRST LIMIT 200
""",
        columns=(
            KpiColumn("channel", "Channel", "code"),
            KpiColumn("type", "Type"),
            KpiColumn("events", "Events", "quantity"),
            KpiColumn("p50", "p50", "seconds"),
            KpiColumn("p95", "p95", "seconds"),
            KpiColumn("level", "Service level", "seconds"),
            KpiColumn("late", "Late", "quantity"),
            KpiColumn("verdict", "p95 is", "verdict"),
        ),
        rows_sql=f"""
SELECT event_id, code AS channel, type, occurred_at, recorded_at, seconds FROM ({EVENTS}) told
WHERE %(key)s = '*' OR code || '/*' = %(key)s OR code || '/' || type = %(key)s
ORDER BY seconds DESC, event_id LIMIT %(limit)s
""",
        rows_columns=(
            KpiColumn("event_id", "Event", "code"),
            KpiColumn("channel", "Channel", "code"),
            KpiColumn("type", "Type"),
            KpiColumn("seconds", "Latency", "seconds"),
            KpiColumn("occurred_at", "Occurred", "time"),
            KpiColumn("recorded_at", "Recorded", "time"),
        ),
        prepare=_limits,
        href=_event_page,
        order=10,
    )
]
