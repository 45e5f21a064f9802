"""HTML `/exceptions/owners`: the ownership rules, and who would own what."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, principal, requires, scope
from onhand.web import asked, trimmed
from sqlalchemy.orm import Session

from onhand_exceptions import kinds, lookups, services
from onhand_exceptions.ownership import PATTERNS, BadRule, Subject
from onhand_exceptions.views.asking import demand_whole_entity
from onhand_exceptions.views.pages import exceptions

__all__ = ["adopt", "owners", "save_owners"]

ASKED = ("kind", "location", "item", "channel")
CHARACTERS_MAX = 80


@exceptions.get("/owners")
@requires("exceptions.read")
def owners() -> str:
    """Show the rules, and for what is asked about: who would own it and which line says so."""
    return _page(None, None)


@exceptions.post("/owners")
@requires("exceptions.edit")
def save_owners() -> ResponseReturnValue:
    """Replace the rules; a line that cannot be meant is named, and nothing changed."""
    text = trimmed(request.form.get("text", "")) + "\n"
    demand_whole_entity("exceptions.edit")

    def command(session: Session, now: datetime) -> int:
        return len(services.set_rules(session, scope()[0], text.lstrip("\n"), by=actor(), now=now))

    try:
        count = in_scope(command)
    except BadRule as bad:
        return _page(text, bad), 422
    flash(f"{count} rule{'s' if count != 1 else ''} in force. What is open keeps its owner.", "good")
    return redirect(url_for("exceptions.owners"), 303)


@exceptions.post("/owners/adopt")
@requires("exceptions.edit")
def adopt() -> ResponseReturnValue:
    """Give what is open and nobody's to whom the rules say."""
    demand_whole_entity("exceptions.edit")
    given = in_scope(lambda session, now: services.adopt(session, scope()[0], by=actor(), now=now))
    flash(f"{given} found an owner.", "good" if given else "info")
    return redirect(url_for("exceptions.owners"), 303)


def _page(text: str | None, bad: BadRule | None) -> str:
    return render_template(
        "exceptions/owners.html",
        patterns=PATTERNS,
        bad=bad,
        **in_scope(lambda session, now: _owners(session, now, text)),
    )


def _owners(session: Session, now: datetime, text: str | None) -> dict[str, Any]:
    entity_id = scope()[0]
    tried = {name: asked(name) or "" for name in ASKED}
    decision = None
    if any(tried.values()):
        subject = Subject(tried["kind"], tried["location"], tried["item"], tried["channel"])
        item_id, location_id = lookups.place_of(session, entity_id, tried["item"], tried["location"])
        [decision] = services.would_own(session, entity_id, [(subject, item_id, location_id)], now)
    return {
        "text": services.rules_text(session, entity_id) if text is None else text,
        "kinds": {name: kind.label for name, kind in kinds.known(session, entity_id, now).items()},
        "asked": asked,
        "decision": decision,
        "owner": lookups.name_of(session, decision.owner_id) if decision else None,
        "may_edit": principal().may("exceptions.edit", entity_id),
        "history": lookups.rules_history(session, entity_id),
    }
