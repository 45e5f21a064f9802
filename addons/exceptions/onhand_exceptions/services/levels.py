"""What policies say of an exception when it opens: by when it is to be resolved, and what a unit of it is worth."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from onhand.contributions import ExceptionKind
from onhand.events import Cause
from onhand.policies.book import Where
from onhand.policies.services import resolve_many
from onhand.transaction import context
from sqlalchemy.orm import Session

__all__ = ["SERVICE_HOURS", "dues", "service_levels", "unit_values"]

SERVICE_HOURS = "exceptions.service_hours"


def service_levels(
    session: Session, entity_id: int, kind: ExceptionKind, locations: Sequence[int | None], now: datetime
) -> list[timedelta]:
    """Return how long an exception of a kind may be open at each location: by the kind's own policy if it names one."""
    places = [Where(entity_id=entity_id, location_id=location_id) for location_id in locations]
    hours = resolve_many(session, kind.hours_policy or SERVICE_HOURS, places, at=now)
    return [timedelta(hours=int(each)) for each in hours]


def dues(
    session: Session, entity_id: int, kind: ExceptionKind, causes: Sequence[Cause], now: datetime
) -> list[datetime]:
    """Return by when each cause is to be resolved, counted from now: nobody could look before it was known."""
    levels = service_levels(session, entity_id, kind, [cause.location_id for cause in causes], now)
    return [now + level for level in levels]


def unit_values(session: Session, entity_id: int, items: Sequence[int | None], now: datetime) -> list[Decimal | None]:
    """Return what a unit of each item is worth in minor units; None where nobody has said, or there is no item."""
    known = sorted({item_id for item_id in items if item_id is not None})
    if not known:
        return [None] * len(items)
    told: list[tuple[int, Decimal]] = context(session).addons.gather_for(
        "unit_values", entity_id, now, session=session, items=known
    )
    values: dict[int | None, Decimal] = dict(reversed(told))
    return [values.get(item_id) for item_id in items]
