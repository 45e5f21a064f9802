"""What lists show: queries for keyset pages, narrowed by what was asked for and may be seen."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from onhand_reservations.models import Hold, HoldLine

__all__ = ["OPEN", "ORDER", "STATUSES", "Filter", "Reach", "holds_listed", "reached"]

Reach = Mapping[int, Collection[int] | None]
"""Entity → the locations of it that an asker may see; None is all of them."""

OPEN = ("held", "confirmed")
STATUSES = (*OPEN, "fulfilled", "released", "expired")
ORDER: Sequence[ColumnElement[Any]] = (Hold.__table__.c.id.desc(),)
"""Newest first: an id begins with the time it was made."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of holds is narrowed by; None means it does not matter. `source_id`: the channel an asker speaks for."""

    statuses: Sequence[str] | None = None
    channel_id: int | None = None
    source_id: int | None = None
    reference: str | None = None
    location_id: int | None = None
    expires_before: datetime | None = None
    is_overdue: bool = False


def holds_listed(wanted: Filter, within: Reach) -> Select[Any]:
    """Return holds as a query. Who sees some locations only sees the holds that keep units at one of them."""
    query: Select[Any] = select(*Hold.__table__.c).where(reached(within))
    for condition in _conditions(wanted):
        query = query.where(condition)
    return query


def reached(within: Reach) -> ColumnElement[bool]:
    """Return the condition that a hold is within reach."""
    return or_(
        false(),
        *[
            Hold.entity_id == entity_id
            if places is None
            else and_(Hold.entity_id == entity_id, _has_line(HoldLine.location_id.in_(sorted(places))))
            for entity_id, places in within.items()
        ],
    )


def _conditions(wanted: Filter) -> Iterable[ColumnElement[bool]]:
    if wanted.statuses is not None:
        yield Hold.status.in_(wanted.statuses)
    for channel_id in (wanted.channel_id, wanted.source_id):
        if channel_id is not None:
            yield Hold.channel_id == channel_id
    if wanted.reference is not None:
        yield Hold.reference == wanted.reference
    if wanted.location_id is not None:
        yield _has_line(HoldLine.location_id == wanted.location_id)
    if wanted.expires_before is not None:
        yield and_(Hold.status == "held", Hold.expires_at < wanted.expires_before)
    if wanted.is_overdue:
        yield and_(Hold.status == "confirmed", Hold.overdue_told_at.is_not(None))


def _has_line(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(HoldLine.hold_id == Hold.id, condition)
