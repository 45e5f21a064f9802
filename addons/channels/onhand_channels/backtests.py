"""Back-test of the latency service level: the recorded events that would newly be late, or no longer."""

from typing import Any
from urllib.parse import quote

from onhand.contributions import BacktestResult, BacktestRow, PolicyBacktest, PolicyTrial
from onhand.db import cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.services import channels_of
from onhand_channels.services.latency import POLICY

__all__ = ["BACKTESTS"]

EVENTS_MAX = 200_000
# Per channel the newest events only, found by index, so that a replay costs the same however much a channel tells.
TOLD = """
/* channels.backtest_told */ SELECT c.id, e.type, count(*)
FROM unnest(%(channels)s::int[]) AS c (id) CROSS JOIN LATERAL (
  SELECT type FROM channels.event
  WHERE channel_id = c.id AND outcome = 'posted' AND recorded_at > %(since)s AND recorded_at <= %(until)s
  ORDER BY recorded_at DESC LIMIT %(most)s
) e GROUP BY 1, 2 ORDER BY 1, 2
"""
BETWEEN = """
/* channels.backtest_between */
SELECT l.code, e.event_id, e.type, e.seconds, l.live, l.draft, count(*) OVER ()
FROM unnest(%(channels)s::int[], %(codes)s::text[], %(types)s::text[], %(live)s::int[], %(draft)s::int[])
  AS l (channel_id, code, type, live, draft)
CROSS JOIN LATERAL (
  SELECT event_id, type, recorded_at, extract(epoch FROM recorded_at - occurred_at)::float8 AS seconds
  FROM (
    SELECT event_id, type, recorded_at, occurred_at FROM channels.event
    WHERE channel_id = l.channel_id AND outcome = 'posted' AND recorded_at > %(since)s AND recorded_at <= %(until)s
    ORDER BY recorded_at DESC LIMIT %(most)s
  ) newest WHERE type = l.type
) e
WHERE e.seconds > least(l.live, l.draft) AND e.seconds <= greatest(l.live, l.draft)
ORDER BY e.recorded_at DESC LIMIT %(rows)s
"""


def _latency(session: Session, trial: PolicyTrial) -> BacktestResult:
    """Judge each recorded event by the two limits; late events of a channel and type raise one breach."""
    channels = {channel.id: channel for channel in channels_of(session, trial.entities)}
    window = {"since": trial.since, "until": trial.until, "most": EVENTS_MAX}
    told = cursor(session).execute(TOLD, {"channels": int_array(channels), **window}).fetchall()
    limits: list[tuple[int, str, str, int, int]] = []
    for channel_id, type_name, _ in told:
        channel = channels[channel_id]
        where, facts = channel.where, {"type": type_name}
        live, draft = (int(read(POLICY, where, facts)) for read in (trial.live, trial.draft))
        if live != draft:
            limits.append((channel.id, channel.code, type_name, live, draft))
    ids, codes, types, lives, drafts = (list(column) for column in zip(*limits, strict=True)) if limits else ([],) * 5
    arguments: dict[str, Any] = {
        "channels": int_array(ids),
        "codes": text_array(codes),
        "types": text_array(types),
        "live": int_array(lives),
        "draft": int_array(drafts),
        "rows": trial.rows_max,
        **window,
    }
    rows = cursor(session).execute(BETWEEN, arguments).fetchall() if limits else []
    return BacktestResult(
        examined=sum(row[2] for row in told),
        different=rows[0][6] if rows else 0,
        rows=tuple(_row(*row[:6]) for row in rows),
        quantity=None,
        amount_minor=None,
        notes=(f"Of each channel the newest {EVENTS_MAX} events count.",) if _is_cut(told) else (),
    )


def _row(code: str, event_id: str, type_name: str, seconds: float, live: int, draft: int) -> BacktestRow:
    return BacktestRow(
        label=f"{code}: {type_name} {event_id}, told {seconds:.0f} s late",
        href=f"/channels/{quote(code)}/event?id={quote(event_id, safe='')}",
        before=f"a breach: {live} s are allowed" if seconds > live else "in time",
        after=f"a breach: {draft} s are allowed" if seconds > draft else "in time",
    )


def _is_cut(told: list[tuple[Any, ...]]) -> bool:
    events: dict[int, int] = {}
    for channel_id, _, count in told:
        events[channel_id] = events.get(channel_id, 0) + count
    return max(events.values(), default=0) >= EVENTS_MAX


BACKTESTS = (PolicyBacktest("Lateness of recorded events", (POLICY,), _latency),)
