"""REST: `/api/v1/exceptions/acts`, one act upon many exceptions, and its undoing."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from msgspec.json import encode
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.idempotency import Answer, once
from sqlalchemy.orm import Session

from onhand_exceptions import lookups, schemas, services
from onhand_exceptions.services import Wish
from onhand_exceptions.views.asking import myself, reach
from onhand_exceptions.views.resources import exceptions_api

__all__ = ["act", "one_act", "undo"]

KEY = {
    "in": "header", "name": "Idempotency-Key", "required": True, "schema": {"type": "string"},
    "description": "The same for each try of one request.",
}  # fmt: skip


class NotUndoable(problems.Conflict):
    """An act upon exceptions is taken back once, for a while, by whoever acted; the detail says what is in the way."""

    type, title = "exception-act-not-undoable", "The act cannot be taken back"


@exceptions_api.route("/acts", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.arguments(schemas.ActSchema)
@exceptions_api.response(200, schemas.ActedSchema)
@exceptions_api.doc(parameters=[KEY])
def act(asked: dict[str, Any]) -> Response:
    """Do one thing to each of up to 200 exceptions of one entity, and answer with an outcome for each.

    What is refused for one stands against none of the others. 404 where none of them is there.
    """

    def command(session: Session, now: datetime) -> Answer:
        ids = list(dict.fromkeys(asked["ids"]))
        here = lookups.within(session, reach("exceptions.work"), ids)
        if not here:
            raise problems.NotFound("there is no such exception here")
        if len(set(here.values())) > 1:
            message = "all exceptions of one act are of one entity: send an act for each"
            raise problems.Invalid(message, errors=[problems.field_error("ids", message)])
        entity_id = next(iter(here.values()))
        acted = services.act(session, entity_id, list(here), _wish(asked), by=actor(), now=now)
        told = _told(session, acted.id)
        done = {row["id"]: row for row in told["results"]}
        absent = {"outcome": "refused", "detail": "there is no such exception here"}
        told["results"] = [done.get(id_) or {"id": id_, **absent} for id_ in ids]
        return 200, encode(schemas.ActedSchema().dump(told))

    return once(command)


@exceptions_api.route("/acts/<uuid:act_id>")
@requires("exceptions.work")
@exceptions_api.response(200, schemas.ActedSchema)
def one_act(act_id: UUID) -> dict[str, Any]:
    """Return an act with what became of it, as far as its exceptions are in reach."""
    return in_scope(lambda session, _: _told(session, act_id))


@exceptions_api.route("/acts/<uuid:act_id>/undo", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.response(200, schemas.ActedSchema)
@exceptions_api.doc(parameters=[KEY])
def undo(act_id: UUID) -> Response:
    """Take an act of one's own back: each exception is as it was before, unless something changed it since."""

    def command(session: Session, now: datetime) -> Answer:
        _told(session, act_id)
        undone = services.undo(session, act_id, by=actor(), now=now)
        if undone.why:
            raise NotUndoable("only whoever acted may take it back" if undone.why == "unknown" else undone.detail)
        return 200, encode(schemas.ActedSchema().dump(_told(session, act_id)))

    return once(command)


def _wish(asked: dict[str, Any]) -> Wish:
    owner = myself() if asked.get("owner") == "me" else asked.get("owner")
    text = asked.get("reason" if asked["verb"] == "resolve" else "note", "")
    return Wish(asked["verb"], owner, asked.get("until", "worse"), asked.get("at"), asked.get("times"), text)


def _told(session: Session, act_id: UUID) -> dict[str, Any]:
    found = lookups.act_within(session, act_id, reach("exceptions.work"))
    if found is None:
        raise problems.NotFound("there is no such act here")
    results = []
    for row in found.rows:
        detail = row.refusal or row.undo_refusal
        outcome = "refused" if row.refusal else "done" if detail or not found.undone_at else "undone"
        results.append({"id": row.exception_id, "outcome": outcome, "detail": detail})
    return {
        "id": found.id, "verb": found.verb, "recorded_at": found.recorded_at, "undo_until": found.undo_until,
        "undone_at": found.undone_at, "results": results,
    }  # fmt: skip
