"""HTML `/exceptions/acts`: one act upon one or many exceptions, and its undoing."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from onhand import clocks, problems
from onhand.access import actor, in_scope, requires, scope
from onhand.web import filled, trimmed, whole_number
from sqlalchemy.orm import Session

from onhand_exceptions import lookups, services
from onhand_exceptions.services import Acted, Undone, Wish
from onhand_exceptions.services.acts import ROWS_MAX, VERBS, Verb
from onhand_exceptions.views.asking import me, reach
from onhand_exceptions.views.listing import returned_to
from onhand_exceptions.views.pages import exceptions

__all__ = ["act", "undo"]

SNOOZES = {"4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3), "1w": timedelta(weeks=1)}


@exceptions.post("/acts")
@requires("exceptions.work")
def act() -> ResponseReturnValue:
    """Do one thing to each exception chosen, and lead back to where it was asked, with an outcome for each."""
    ids, verb = _chosen(), request.form.get("verb")
    if verb not in VERBS or not ids:
        flash("Nothing was chosen." if verb else "Say what to do.", "bad")
        return returned_to()

    def command(session: Session, now: datetime) -> Acted:
        wish = _wish(verb, now, clocks.zone_of(session, scope()[0]))
        within = lookups.within(session, reach("exceptions.work"), ids)
        if not within:
            raise problems.NotFound("there is no such exception here")
        return services.act(session, scope()[0], [id_ for id_ in ids if id_ in within], wish, by=actor(), now=now)

    return _back(in_scope(command).id)


@exceptions.post("/acts/<uuid:act_id>/undo")
@requires("exceptions.work")
def undo(act_id: UUID) -> ResponseReturnValue:
    """Take an act of one's own back, while there is time."""

    def command(session: Session, now: datetime) -> Undone:
        return services.undo(session, act_id, by=actor(), now=now)

    undone = in_scope(command)
    if undone.why:
        flash(f"Not undone: {undone.detail}.", "bad")
    return _back(act_id)


def _back(act_id: UUID) -> ResponseReturnValue:
    """Lead to the exception's own page where it was asked there, else to the list."""
    at = request.form.get("at", "")
    if at and (there := _uuid(at)):
        return redirect(url_for("exceptions.detail", exception_id=there, act=act_id), 303)
    return returned_to(act=act_id)


def _chosen() -> list[UUID]:
    return [id_ for text in request.form.getlist("id")[:ROWS_MAX] if (id_ := _uuid(text))]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text[:40])
    except ValueError:
        return None


def _wish(verb: Verb, now: datetime, zone: str) -> Wish:
    chosen, until = filled("owner"), request.form.get("until", "worse")
    owner = me() if chosen == "me" else whole_number(chosen)
    text = trimmed(request.form.get(f"text_{verb}") or request.form.get("text", ""))
    return Wish(verb, owner_id=owner, text=text, **_rest(until, now, zone))


def _rest(until: str, now: datetime, zone: str) -> dict[str, Any]:
    """Return how long to snooze, by one of the choices offered or the date given, as it reads where the entity is."""
    if until in SNOOZES:
        return {"until": "date", "at": now + SNOOZES[until]}
    if until == "date":
        return {"until": "date", "at": _moment(filled("date"), zone)}
    if until == "count":
        return {"until": "count", "times": whole_number(filled("times"), 6)}
    return {"until": "worse"}


def _moment(text: str, zone: str) -> datetime | None:
    try:
        return clocks.moment(text, zone)
    except clocks.NoMoment:
        return None  # the verb says of each exception that a date is missing
