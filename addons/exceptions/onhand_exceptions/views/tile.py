"""The figure on the home page."""

from datetime import datetime

from flask import url_for
from onhand.access import principal_or_none
from onhand.contributions import Tile
from onhand.web.formats import age
from sqlalchemy.orm import Session

from onhand_exceptions import queries
from onhand_exceptions.views.ageing import tone

__all__ = ["open_tile"]

PERMISSION = "exceptions.read"


def open_tile(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """Return how many exceptions are open where the person may look, and how old the oldest is."""
    known = principal_or_none()
    if known is None or not known.may(PERMISSION, entity_id):
        return []
    count, oldest = queries.open_ages(session, {entity_id: known.locations(PERMISSION, entity_id)})
    oldest_age = now - oldest if oldest else None
    return [
        Tile(
            title="Open exceptions",
            value=f"{count:,}".replace(",", " "),
            href=url_for("exceptions.inbox", tab="open"),
            tone="good" if oldest_age is None else tone(oldest_age, "open"),
            hint="Nothing waits" if oldest_age is None else f"the oldest for {age(oldest_age)}",
            order=10,
        )
    ]
