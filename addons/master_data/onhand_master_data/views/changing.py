"""What the forms that change master data have in common: the day and the reason, and what becomes of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from onhand.transaction import run
from onhand.web import filled
from sqlalchemy.orm import Session

from onhand_master_data.refusals import FieldError, NotAuthoritative, Refused
from onhand_master_data.services import Changed, Terms
from onhand_master_data.views.asking import report
from onhand_master_data.views.pages import errors_by_field, filled_moment

__all__ = ["carried_out", "terms_filled"]

NOTE_CHARACTERS_MAX = 500
SAID = {"scheduled": "Agreed for its day."}


def terms_filled(session: Session, errors: Sequence[FieldError] = ()) -> Terms:
    """Return the day and the reason that a form was filled with; Refused for what is no day, beside other errors."""
    try:
        effective_at = filled_moment(session, "effective_at")
    except Refused as refused:
        raise Refused([*errors, *refused.errors]) from None
    if errors:
        raise Refused(errors)
    return Terms(effective_at, filled("note", NOTE_CHARACTERS_MAX) or None)


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
