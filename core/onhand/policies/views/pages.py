"""HTML: the list of policies. One policy is in `detail`, changing it in `changing`."""

from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, url_for
from sqlalchemy.orm import Session

from onhand.access import current_entity, in_scope, requires
from onhand.policies.overview import Line, Narrowing, overview
from onhand.problems import NotFound
from onhand.web import Column, asked
from onhand.web.shell import EntityLine, entity_lines

__all__ = ["entity_of", "policies", "title"]

policies = Blueprint("policies", __name__, url_prefix="/policies", template_folder="../templates")

COLUMNS = [
    Column("label", "Policy"),
    Column("said", "Here"),
    Column("decided", "Decided by"),
    Column("narrower", "Narrower", "quantity"),
    Column("next_at", "To come", "day"),
]
DECIDED = {"default": ("Default", "neutral"), "group": ("Group", "info"), "entity": ("This entity", "accent")}


@policies.get("/")
@requires("policies.read")
def index() -> str:
    """Show every policy with its value in the entity, by add-on."""
    wanted = {name: asked(name) or "" for name in ("q", "addon", "set")}
    narrowing = Narrowing(wanted["q"], wanted["addon"], wanted["set"] == "1")

    def load(session: Session, now: datetime) -> tuple[EntityLine, list[Line]]:
        entity = entity_of(session)
        return entity, overview(session, entity.id, now=now)

    entity, every = in_scope(load)
    lines = [line for line in every if narrowing.fits(line)]
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(line.addon, []).append(_row(line))
    return render_template(
        "policies/index.html",
        columns=COLUMNS,
        groups=groups,
        shown=len(lines),
        asked=wanted,
        nouns=[(noun, title(noun)) for noun in dict.fromkeys(line.addon for line in every)],
        title_of=title,
        entity=entity,
        decided=DECIDED,
    )


def entity_of(session: Session) -> EntityLine:
    """Return the entity the person works in; NotFound for one who has none."""
    found = entity_lines(session, (current_entity() or 0,))
    if not found:
        raise NotFound("you belong to no entity")
    return found[0]


def title(noun: str) -> str:
    """Write an add-on's noun as people read it."""
    return "The core" if noun == "onhand" else noun.replace("_", " ").capitalize()


def _row(line: Line) -> dict[str, Any]:
    href = url_for("policies.one", name=line.kind.name)
    return {
        "name": line.kind.name,
        "label": line.kind.label,
        "help": line.kind.help,
        "said": line.said,
        "decided": line.decided,
        "narrower": line.narrower,
        "next_at": line.next_at,
        "href": href,
    }
