"""What the board reads: the tallies of today and of the days before, and what has escalated."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from onhand_exceptions.models import Tally

__all__ = ["DAYS", "Line", "Places", "Trend", "by_kind", "by_location", "latest", "total", "trend"]

DAYS = 30
Places = frozenset[int] | None
"""The locations somebody may see; None is all of them, and what has no location too."""


@dataclass(frozen=True, slots=True)
class Line:
    """How it stands with some exceptions: `overdue` are past their service level, `long_overdue` past twice of it."""

    name: str | None
    open: int = 0
    due_soon: int = 0
    overdue: int = 0
    long_overdue: int = 0
    snoozed: int = 0
    amount_minor: int = 0
    unvalued: int = 0
    opened: int = 0
    resolved: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """A day: how many were open at its end, and how many came and went."""

    day: date
    open: int
    opened: int
    resolved: int
    amount_minor: int


def latest(session: Session, entity_id: int) -> tuple[date, datetime] | None:
    """Return the day of the newest tally of an entity, and when it was counted; None before the first."""
    query = select(Tally.day, func.max(Tally.recorded_at)).where(Tally.entity_id == entity_id)
    row = session.execute(query.group_by(Tally.day).order_by(Tally.day.desc()).limit(1)).one_or_none()
    return (row[0], row[1]) if row else None


def by_location(session: Session, entity_id: int, day: date, places: Places) -> list[Line]:
    """Return how it stands at each location, where most is overdue first; None is what has no location."""
    return _lines(session, Tally.location, entity_id, day, places, None)


def by_kind(session: Session, entity_id: int, day: date, places: Places, location: str | None) -> list[Line]:
    """Return how it stands with each kind, at one location or everywhere."""
    return _lines(session, Tally.kind, entity_id, day, places, location)


def total(lines: Iterable[Line]) -> Line:
    """Add lines up."""
    lines = list(lines)
    oldest = [line.oldest_at for line in lines if line.oldest_at]
    sums = {name: sum(getattr(line, name) for line in lines) for name in SUMMED}
    return Line(None, **sums, oldest_at=min(oldest, default=None))


def trend(session: Session, entity_id: int, day: date, places: Places, location: str | None) -> list[Trend]:
    """Return the last days, the oldest first; a day nobody counted stands as the one before it, with nothing moving."""
    columns: list[Any] = [Tally.day, *(func.sum(getattr(Tally, name)) for name in
                                       ("open", "opened", "resolved", "amount_minor"))]  # fmt: skip
    since = day - timedelta(days=DAYS - 1)
    query = select(*columns).where(*_which(entity_id, places, location), Tally.day >= since, Tally.day <= day)
    counted = {row[0]: Trend(row[0], *map(int, row[1:])) for row in session.execute(query.group_by(Tally.day))}
    days: list[Trend] = []
    for offset in range(DAYS):
        at = since + timedelta(days=offset)
        before = days[-1] if days else Trend(at, 0, 0, 0, 0)
        days.append(counted.get(at) or Trend(at, before.open, 0, 0, before.amount_minor))
    return days


SUMMED = (
    "open", "due_soon", "overdue", "long_overdue", "snoozed", "amount_minor", "unvalued", "opened", "resolved",
)  # fmt: skip


def _lines(
    session: Session, by: Any, entity_id: int, day: date, places: Places, location: str | None
) -> list[Line]:  # fmt: skip
    sums: list[Any] = [func.sum(getattr(Tally, name)).label(name) for name in SUMMED]
    query = select(by, *sums, func.min(Tally.oldest_at).label("oldest_at")).where(
        *_which(entity_id, places, location), Tally.day == day
    )
    rows = session.execute(query.group_by(by)).all()
    lines = [
        Line(row[0], **{name: int(row._mapping[name]) for name in SUMMED}, oldest_at=row._mapping["oldest_at"])
        for row in rows
    ]
    return sorted(lines, key=lambda line: (-line.overdue, -line.open, line.name or ""))


def _which(entity_id: int, places: Places, location: str | None) -> list[ColumnElement[bool]]:
    which: list[ColumnElement[bool]] = [Tally.entity_id == entity_id]
    if places is not None:
        which.append(Tally.location_id.in_(sorted(places)))
    if location is not None:
        which.append(Tally.location == location)
    return which
