"""Clocks of entities: which moment people mean by a day or a time where an entity is, and which day it is there.

Clocks go forward and back. As RFC 5545 (3.3.5) has it: of a time that a clock shows twice the earlier is meant, and one
that it skips is counted on by the offset before, so that 02:30 is 03:30 where 02:00 to 03:00 is left out.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.addons.models import Entity

__all__ = ["Day", "NoMoment", "day", "instant", "moment", "today", "zone_of"]

YEARS = range(2, 9_999)
"""The first and the last year are not whole in every zone, so that what is read in one could not be shown in another."""


class NoMoment(ValueError):
    """What was typed is no day, or no moment, that a clock shows. It says how one is written."""


@dataclass(frozen=True, slots=True)
class Day:
    """From when until when, in UTC and half-open, a day lasts by a clock: 23 to 25 hours, or none where it is skipped."""

    begins_at: datetime
    ends_at: datetime


def zone_of(session: Session, entity_id: int | None) -> str:
    """Return the time zone of an entity, as IANA names it; UTC where there is none."""
    return session.scalar(select(Entity.time_zone).where(Entity.id == entity_id)) or "UTC"


def today(now: datetime, zone: str) -> date:
    """Return which day it is in a zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def moment(text: str, zone: str) -> datetime:
    """Return the moment, in UTC, that an ISO 8601 text names: by its offset, else by the clock of a zone; NoMoment."""
    found = _read(text)
    if found is None:
        raise NoMoment("give a date and a time, like 2027-01-31 08:00")
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def instant(text: str) -> datetime:
    """Return the moment that an ISO 8601 text names, at the offset it must have; NoMoment for whatever else."""
    found = _read(text)
    if found is None or found.tzinfo is None:
        raise NoMoment("give a moment with its offset, like 2027-01-01T08:00:00+01:00")
    return found


def day(text: str | date, zone: str) -> Day:
    """Return how long a day lasts in a zone; NoMoment for a text that is no day."""
    try:
        found = date.fromisoformat(text.strip()) if isinstance(text, str) else text
    except ValueError:
        found = date.max
    if found.year not in YEARS:
        raise NoMoment("give a day, like 2027-01-31")
    return Day(_midnight(found, zone), _midnight(found + timedelta(days=1), zone))


def _midnight(of: date, zone: str) -> datetime:
    return datetime.combine(of, time(), ZoneInfo(zone)).astimezone(UTC)


def _read(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.year in YEARS else None
