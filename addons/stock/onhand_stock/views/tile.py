"""The figures on the home page: whether the books agree, and what is short."""

from datetime import datetime

from flask import url_for
from onhand.access import principal_or_none
from onhand.contributions import Tile
from onhand.web.formats import ago, quantity
from sqlalchemy.orm import Session

from onhand_stock.asked import recounts_open
from onhand_stock.queries import last_verification, standing_shortages

__all__ = ["stock_tiles"]

PERMISSION = "stock.read"


def stock_tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """Return how many places are short of units, and what the last verification found."""
    known = principal_or_none()
    if known is None or not known.may(PERMISSION, entity_id):
        return []
    places, units = standing_shortages(session, {entity_id: known.locations(PERMISSION, entity_id)})
    recounts = recounts_open(session, {entity_id: known.locations(PERMISSION, entity_id)})
    return [_short(places, units), *([_recounts(recounts)] if recounts else []), _books(session, now)]


def _short(places: int, units: int) -> Tile:
    return Tile(
        title="Short",
        value=quantity(places),
        unit="item at a location" if places == 1 else "items at locations",
        href=url_for("stock.inquiry", state="shortage"),
        tone="warn" if places else "good",
        hint=f"{quantity(units)} went out that the book did not have"
        if places
        else "Nothing went out that was not there",
        order=20,
    )


def _recounts(open_: int) -> Tile:
    return Tile(
        title="To count again",
        value=quantity(open_),
        unit="item" if open_ == 1 else "items",
        href=url_for("stock.adjustments", status="recount"),
        tone="warn",
        hint="Nobody decides on these before somebody counts",
        order=21,
    )


def _books(session: Session, now: datetime) -> Tile:
    last = last_verification(session)
    if last is None:
        value, tone, hint = "Not verified", "neutral", "The scheduler does it every hour"
    elif last.differences:
        value, tone = quantity(last.differences), "bad"
        hint = f"differences, {ago(last.recorded_at, now)}"
    else:
        value, tone, hint = "Agree", "good", f"verified {ago(last.recorded_at, now)}"
    return Tile(title="Books", value=value, href=url_for("stock.verification"), tone=tone, hint=hint, order=90)
