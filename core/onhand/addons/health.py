"""How add-ons fare: what their hooks took and how often they failed, counted per process, kept per minute for a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from onhand.addons.boundary import Spent
from onhand.db import cursor

__all__ = ["Health", "Tally", "add_up", "forget", "health_of", "keep"]

SLOTS = 27
"""A call is counted by the number of binary digits of its microseconds: the last slot begins at 33 s."""
PART = 0.95
WINDOW = timedelta(hours=1)
KEPT = timedelta(days=1)
KEEP = """
/* health.keep */ INSERT INTO onhand.addon_health (addon, minute, durations, errors, error, failed_at)
VALUES (%(addon)s, date_trunc('minute', %(now)s::timestamptz), %(durations)s::bigint[], %(errors)s, %(error)s, %(failed_at)s)
ON CONFLICT (addon, minute) DO UPDATE SET
  durations = (SELECT array_agg(coalesce(kept, 0) + coalesce(more, 0) ORDER BY slot)
    FROM unnest(addon_health.durations, excluded.durations) WITH ORDINALITY AS both_of(kept, more, slot)),
  errors = addon_health.errors + excluded.errors,
  error = coalesce(excluded.error, addon_health.error),
  failed_at = coalesce(excluded.failed_at, addon_health.failed_at)
"""
LOOK = """
/* health.look */ SELECT addon,
  (SELECT array_agg(calls ORDER BY slot) FROM (
    SELECT slot, sum(n) AS calls FROM onhand.addon_health AS one, unnest(one.durations) WITH ORDINALITY AS d(n, slot)
    WHERE one.addon = h.addon AND one.minute >= %(since)s GROUP BY slot) AS summed),
  sum(errors), (array_agg(error ORDER BY failed_at DESC NULLS LAST))[1]
FROM onhand.addon_health AS h WHERE minute >= %(since)s GROUP BY addon
"""


@dataclass(slots=True)
class Tally:
    """What one process counted of an add-on since it last wrote that down."""

    durations: list[int] = field(default_factory=lambda: [0] * SLOTS)
    errors: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How an add-on fared in the last hour: calls of its hooks, errors, what 95 in 100 calls took at most, the last error."""

    calls: int
    errors: int
    milliseconds_p95: float
    error: str | None


def add_up(tallies: dict[str, Tally], spent: Iterable[Spent]) -> None:
    """Count hooks that have ended."""
    for one in spent:
        tally = tallies.setdefault(one.noun, Tally())
        tally.durations[min(int(one.seconds * 1e6).bit_length(), SLOTS - 1)] += 1
        if one.failure is not None:
            tally.errors += 1
            tally.error = str(one.failure)


def keep(session: Session, tallies: Mapping[str, Tally], *, now: datetime) -> None:
    """Add what was counted to the rows of this minute."""
    for noun, tally in sorted(tallies.items()):  # in one order, since other processes write the same rows
        cursor(session).execute(
            KEEP,
            {
                "addon": noun,
                "now": now,
                "durations": tally.durations,
                "errors": tally.errors,
                "error": tally.error,
                "failed_at": now if tally.error else None,
            },
        )


def health_of(session: Session, *, now: datetime) -> dict[str, Health]:
    """Return how add-ons fared in the last hour, over all processes; those that were not called are left out."""
    rows = cursor(session).execute(LOOK, {"since": now - WINDOW}).fetchall()
    return {
        row[0]: Health(int(sum(row[1])), int(row[2]), _percentile([int(calls) for calls in row[1]]) / 1_000, row[3])
        for row in rows
    }


def forget(session: Session, *, now: datetime) -> int:
    """Drop what is older than a day."""
    return cursor(session).execute("DELETE FROM onhand.addon_health WHERE minute < %s", (now - KEPT,)).rowcount


def _percentile(slots: Sequence[int]) -> float:
    """Return the microseconds that 95 in 100 calls took at most, as near as the slots tell: within a factor of two."""
    wanted, seen = PART * sum(slots), 0
    for number, calls in enumerate(slots):
        if calls and seen + calls >= wanted:
            low, high = (2 ** (number - 1) if number else 0), 2**number
            return float(low + (high - low) * (wanted - seen) / calls)
        seen += calls
    return 0.0
