"""What the forms that change master data have in common: the day and the reason, and what becomes of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from onhand.access import scope
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, NotAuthoritative, Refused
from onhand_master_data.services import Changed, Terms
from onhand_master_data.views.asking import report
from onhand_master_data.views.pages import errors_by_field, filled, filled_moment

__all__ = ["carried_out", "terms_filled"]

NOTE_CHARACTERS_MAX = 500
SAID = {"scheduled": "Agreed for its day."}


def terms_filled(session: Session, errors: Sequence[FieldError] = ()) -> Terms:
    """Return the day and the reason that a form was filled with; Refused for what is no day, beside other errors."""
    found = list(errors)
    try:
        effective_at = filled_moment("effective_at", queries.entity_of(session, scope()[0]).time_zone)
    except (ValueError, OverflowError):
        effective_at = None
        found.append(FieldError(0, "effective_at", "is no date and time", filled("effective_at")))
    if found:
        raise Refused(found)
    return Terms(effective_at, filled("note")[:NOTE_CHARACTERS_MAX] or None)


def carried_out(
    command: Callable[[Session, datetime], Changed],
    entities: Sequence[int],
    again: Callable[[dict[str, str]], str],
    done: str,
) -> ResponseReturnValue:
    """Change something, and lead to it or to the request that waits; where it is refused, to the form once more."""
    try:
        changed = run(command, entities=entities)
    except Refused as refused:
        return again(errors_by_field(refused)), 422
    except NotAuthoritative as refused:
        report(refused)
        return again({"note": refused.detail}), 409
    if changed.requests:
        [asked_for] = changed.requests
        waits = f"Asked for: {', '.join(asked_for.roles)} must agree." if asked_for.status == "pending" else "Changed."
        flash(SAID.get(asked_for.status, waits), "success")
        return redirect(url_for("master_data.change_request", request_id=asked_for.id), 303)
    flash("Changed." if changed.outcomes == ("applied",) else "Nothing is different.", "success")
    return redirect(done, 303)
