"""The figure on the home page."""

from datetime import datetime, timedelta

from flask import url_for
from onhand.access import principal_or_none
from onhand.contributions import Tile
from sqlalchemy.orm import Session

from onhand_reservations.listings import OPEN, Filter
from onhand_reservations.queries import COUNT_MAX, count
from onhand_reservations.views.asking import READ

__all__ = ["open_tile"]

SOON = timedelta(minutes=5)


def open_tile(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """Return how many holds are open where the person may look, how many are overdue, and how many run out soon."""
    known = principal_or_none()
    if known is None or not known.may(READ, entity_id):
        return []
    within = {entity_id: known.locations(READ, entity_id)}
    found = count(session, Filter(statuses=OPEN), within)
    overdue = count(session, Filter(is_overdue=True), within)
    soon = count(session, Filter(expires_before=now + SOON), within)
    return [
        Tile(
            title="Open holds",
            value=f"{found:,}".replace(",", " ") + ("+" if found >= COUNT_MAX else ""),
            href=url_for("reservations.index", status="overdue" if overdue else None),
            tone="bad" if overdue else "neutral",
            hint=f"{overdue:,} overdue".replace(",", " ") if overdue else f"{soon:,} run out soon".replace(",", " "),
            order=35,
        )
    ]
