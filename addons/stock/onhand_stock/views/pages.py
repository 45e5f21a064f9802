"""HTML under `/stock/`: the blueprint that the pages hang on, and what they share."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint
from onhand import clocks, problems
from onhand.access import scope
from onhand.web import asked
from onhand_master_data.api import LocationName, location_choices
from sqlalchemy.orm import Session

from onhand_stock.states import STATES
from onhand_stock.views.asking import reach

__all__ = [
    "asked_moment",
    "asked_state",
    "locations_in_reach",
    "state_label",
    "stock",
]

stock = Blueprint("stock", __name__, url_prefix="/stock", template_folder="../templates", static_folder=None)


@stock.app_template_filter("stock_state")
def state_label(state: str) -> str:
    """Write a state, or an outside account, for people."""
    return state.replace("_", " ").capitalize()


def asked_state() -> str | None:
    """Return the state asked for; NotFound for one that there is not."""
    state = asked("state")
    if state is not None and state not in STATES:
        raise problems.NotFound(f"there is no state {state!r}")
    return state


def asked_moment(session: Session, name: str) -> datetime | None:
    """Return a moment asked for; without an offset, as a form sends it, it is by the entity's clock."""
    given = asked(name)
    try:
        return clocks.moment(given, clocks.zone_of(session, scope()[0])) if given else None
    except clocks.NoMoment as wrong:
        raise problems.Malformed(f"{given!r} is no moment: {wrong}") from None


def locations_in_reach(session: Session) -> list[LocationName]:
    """Return the active locations that one may see, by name."""
    within = reach()
    return [one for one in location_choices(session, scope()) if _may_see(within.get(one.entity_id, ()), one.id)]


def _may_see(places: Iterable[int] | None, location_id: int) -> bool:
    return places is None or location_id in places


def states_shown(rows: Iterable[Any]) -> list[str]:
    """Return the states that any of these balances has units in; the shelf always, and shortage last."""
    used = {state for row in rows for state, units in row.states.items() if units}
    return [state for state in STATES if state in used or state == "available"]
