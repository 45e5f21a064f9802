"""Looks: whoever sees what is sensitive, or takes a file away, is kept in the trail before the answer leaves."""

from datetime import datetime

from flask import Flask, Response, g, request
from sqlalchemy.orm import Session

from onhand.access import actor, scope
from onhand.access.doors import Door
from onhand.audit.trail import record
from onhand.transaction import run

__all__ = ["watch"]

NOT_PART_OF_THE_QUESTION = frozenset({"cursor", "csrf_token"})
VALUE_CHARACTERS_MAX = 200


def watch(app: Flask) -> None:
    """Keep looks at the doors marked `sensitive`, and every answer that a browser saves as a file.

    What cannot be recorded is not shown: if the row cannot be written, the answer is an error.
    """
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    door: Door | None = g.get("onhand_door")
    if (
        door is None
        or door.permission is None
        or door.is_hot
        or response.status_code != 200
        or not g.get("onhand_principal")
    ):
        return response
    leaves = response.headers.get("Content-Disposition", "").startswith("attachment")
    if not (leaves or (door.is_sensitive and request.method in {"GET", "HEAD"})):
        return response
    entities = scope()
    verb = "export" if leaves else "view"
    noun = str(request.blueprint).partition("_api")[0]
    asked = {
        name.replace("\x00", ""): value.replace("\x00", "")[:VALUE_CHARACTERS_MAX]
        for name, value in request.args.items()
        if value and name not in NOT_PART_OF_THE_QUESTION
    }

    def command(session: Session, _: datetime) -> None:
        for entity_id in entities or (None,):
            record(
                session,
                actor(),
                f"{noun}.{verb}",
                request.path.replace("\x00", ""),
                after=asked or None,
                entity_id=entity_id,
            )

    run(command, entities=entities)
    return response
