"""HTML under `/master_data/`: the blueprint that the pages hang on."""

from datetime import datetime

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from onhand import clocks
from onhand.access import requires, scope
from onhand.web import filled
from sqlalchemy.orm import Session

from onhand_master_data.refusals import FieldError, Refused

__all__ = ["asked_active", "errors_by_field", "filled_moment", "master_data"]

master_data = Blueprint(
    "master_data", __name__, url_prefix="/master_data", template_folder="../templates", static_folder=None
)


@master_data.get("/")
@requires("master_data.read")
def index() -> ResponseReturnValue:
    """Lead to the items, the first of these pages."""
    return redirect(url_for("master_data.items"), 303)


def asked_active() -> bool | None:
    """Return which rows are asked for: active ones unless said, inactive ones, or both."""
    return {"no": False, "all": None}.get(request.args.get("active", ""), True)


def filled_moment(session: Session, name: str) -> datetime | None:
    """Return the moment that a field was filled with, by the entity's clock, None for none; or Refused."""
    text = filled(name)
    try:
        return clocks.moment(text, clocks.zone_of(session, scope()[0])) if text else None
    except clocks.NoMoment as wrong:
        raise Refused([FieldError(0, name, str(wrong), text)]) from None


def errors_by_field(refused: Refused) -> dict[str, str]:
    """Return the first message for each field, to stand beside it in a form."""
    found: dict[str, str] = {}
    for error in refused.errors:
        found.setdefault(error.field, error.message)
    return found
