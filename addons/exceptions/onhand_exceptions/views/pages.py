"""HTML: one exception. The list and what is done to it are in `listing` and `acting`."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from onhand import clocks
from onhand.access import actor, in_scope, principal, requires
from sqlalchemy.orm import Session

from onhand_exceptions import kinds, lookups, queries
from onhand_exceptions.services.owners import able_in
from onhand_exceptions.views.ageing import STATE_TONES, due_tone, tone
from onhand_exceptions.views.asking import me, seen
from onhand_exceptions.views.next_actions import next_actions

__all__ = ["exceptions"]

MENTION = re.compile(r"(?<![\w@.])@([a-z0-9][a-z0-9._@+-]{0,78}[a-z0-9])")

exceptions = Blueprint(
    "exceptions",
    __name__,
    url_prefix="/exceptions",
    template_folder="../templates",
    static_folder="../static",
)


@exceptions.app_template_filter("as_moment")
def as_moment(text: object) -> datetime | None:
    """Return the moment that an aware ISO 8601 text names; None for whatever else."""
    try:
        return clocks.instant(text) if isinstance(text, str) else None
    except clocks.NoMoment:
        return None


@exceptions.app_template_test("ours")
def is_ours(href: object) -> bool:
    """Return whether evidence's link leads to a page of this site and nowhere else: evidence is what others wrote."""
    return isinstance(href, str) and href.startswith("/") and not href.startswith(("//", "/\\"))


@exceptions.app_template_filter("mentions")
def mentions(text: str) -> list[tuple[str, str | None]]:
    """Take plain text apart into (text, address): `@user-name` leads to what that person has, all else nowhere."""
    return [
        (part, None) if place % 2 == 0 else (f"@{part}", url_for("exceptions.inbox", tab="open", q=f"owner:{part}"))
        for place, part in enumerate(MENTION.split(text))
    ]


@exceptions.get("/<uuid:exception_id>")
@requires("exceptions.read")
def detail(exception_id: UUID) -> str:
    """Show one exception: the evidence, what happened, and what to do about it."""
    return render_template(
        "exceptions/exception.html",
        tone=tone,
        due_tone=due_tone,
        state_tones=STATE_TONES,
        **in_scope(lambda session, now: _detail(session, exception_id, now)),
    )


def _detail(session: Session, exception_id: UUID, now: datetime) -> dict[str, Any]:
    row = seen(session, exception_id)
    may_work = principal().may("exceptions.work", row.entity_id, row.location_id)
    evidence = queries.evidence_of(session, exception_id)
    activity = queries.activity_of(session, exception_id)
    return {
        "now": now,
        "row": row,
        "age": queries.age_of(row, now),
        "kinds": {name: kind.label for name, kind in kinds.known(session, row.entity_id, now).items()},
        "evidence": evidence,
        "next_actions": next_actions(session, row, evidence, now),
        "occurrences": queries.occurrences_of(session, exception_id),
        "occurrences_max": queries.OCCURRENCES_MAX,
        "activity": [event for event in activity if event.verb != "undone"],
        "undone": {event.undoes: event for event in activity if event.verb == "undone"},
        "episodes": queries.episodes_of(session, row),
        "people": able_in(session, row.entity_id, row.location_id) if may_work and row.status == "open" else [],
        "may_work": may_work,
        "me": me(),
        "outcome": lookups.own_act(session, request.args.get("act", ""), actor().ref),
    }
