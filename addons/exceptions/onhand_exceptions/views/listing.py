"""HTML `/exceptions/`: the inbox, its tabs and chips, and the views that people keep."""

from datetime import datetime
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, filled, trimmed
from sqlalchemy.orm import Session

from onhand_exceptions import filtering, lookups, queries, services
from onhand_exceptions.filtering import Filter
from onhand_exceptions.services.owners import able_somewhere
from onhand_exceptions.services.snoozing import SNOOZE_TIMES_MAX
from onhand_exceptions.views.ageing import STATE_TONES, due_tone, tone
from onhand_exceptions.views.asking import me, reach
from onhand_exceptions.views.chips import chips
from onhand_exceptions.views.pages import exceptions
from onhand_exceptions.views.wanted import known_words, list_href, narrowed, tab_of

__all__ = ["LABELS", "place", "returned_to"]

LABELS: dict[filtering.Tab, str] = {
    "review": "For review", "mine": "Mine", "escalating": "Escalating", "snoozed": "Snoozed", "open": "All open",
    "resolved": "Resolved",
}  # fmt: skip
PLACE = ("tab", "q", "cursor")
CURSOR_CHARACTERS_MAX = 1_000


def _detail(row: Any) -> str:
    return url_for("exceptions.detail", exception_id=row.id)


COLUMNS = [
    Column("title", "Exception", href=_detail),
    Column("kinds", "Kinds"),
    Column("location", "Location", "code"),
    Column("quantity", "Quantity", "quantity", href=_detail),
    Column("amount_minor", "At risk"),
    Column("first_seen_at", "Age"),
    Column("due_at", "Due"),
    Column("owner", "Owner"),
]


@exceptions.get("/")
@requires("exceptions.read")
def inbox() -> str:
    """Show the exceptions of a tab that match the filter: severest and oldest first, resolved ones latest first."""
    return render_template(
        "exceptions/inbox.html",
        columns=COLUMNS,
        tone=tone,
        due_tone=due_tone,
        state_tones=STATE_TONES,
        age_of=queries.age_of,
        keys=filtering.KEYS,
        times_max=SNOOZE_TIMES_MAX,
        **in_scope(_inbox),
    )


@exceptions.post("/views")
@requires("exceptions.read")
def save_view() -> ResponseReturnValue:
    """Keep the tab and filter at hand under a name."""
    named = services.NamedView(
        filled("name"),
        tab_of(request.form.get("tab")),
        place()["q"] or "",
        shared=request.form.get("shared") == "1",
    )

    def command(session: Session, now: datetime) -> None:
        services.save_view(session, scope()[0], me() or 0, named, by=actor(), now=now)

    try:
        in_scope(command)
    except services.ViewRefused as refusal:
        flash(f"Not kept: {refusal}.", "bad")
    else:
        flash(f"Kept as {named.name.strip()}{', for everybody here' if named.shared else ''}.", "good")
    return returned_to()


@exceptions.post("/views/<int(max=2147483647):view_id>/forget")
@requires("exceptions.read")
def forget_view(view_id: int) -> ResponseReturnValue:
    """Forget a view of one's own."""
    gone = in_scope(lambda session, _: services.forget_view(session, scope()[0], me() or 0, view_id, by=actor()))
    flash("Forgotten." if gone else "There is no such view of yours.", "good" if gone else "bad")
    return returned_to()


def place() -> dict[str, str | None]:
    """Return where in the list a form was sent from: its tab, filter and cursor, as it carries them itself."""
    limits = {"tab": 20, "q": filtering.TEXT_CHARACTERS_MAX, "cursor": CURSOR_CHARACTERS_MAX}
    found = {name: trimmed(request.values.get(name, ""), limits[name]) for name in PLACE}
    return {name: value or None for name, value in found.items()}


def returned_to(**more: Any) -> ResponseReturnValue:
    """Lead back to that place."""
    query: dict[str, Any] = {**place(), **more}
    return redirect(url_for("exceptions.inbox", **query), 303)


def _inbox(session: Session, now: datetime) -> dict[str, Any]:
    within, known = reach(), known_words(session, now)
    text, tab = place()["q"] or "", tab_of(request.args.get("tab"))
    wanted, complaint = narrowed(text, tab, known)
    listed = partial(queries.listed, within, wanted, now, known.digits)
    found = page(session, listed, queries.order(wanted), request.args.get("cursor"))
    rows = [] if complaint else found["items"]
    entity_id = scope()[0]
    return {
        "now": now,
        "rows": rows,
        "next": None if complaint else found["next"],
        "complaint": complaint,
        "text": text,
        "tab": tab,
        "label": LABELS[tab],
        "tabs": _tabs(session, within, now),
        "chips": chips(session, within, text, known),
        "active": [(token, list_href(filtering.without(text, token), tab)) for token in filtering.tokens(text)],
        "kinds": known.kinds,
        "currency": known.currency,
        "views": lookups.views_of(session, entity_id, me()),
        "view_href": lambda view: list_href(view.query, view.tab),
        "me": me(),
        "may_work": reach("exceptions.work").get(entity_id) != frozenset(),
        "people": able_somewhere(session, entity_id),
        "outcome": lookups.own_act(session, request.args.get("act", ""), actor().ref),
    }


def _tabs(session: Session, within: queries.Reach, now: datetime) -> list[tuple[str, str, int | None]]:
    """Return the tabs with how many each holds. A count that reaches its bound says so in the label."""
    asked = {tab: Filter(tab=tab, me=me()) for tab in LABELS if tab != "resolved"}
    held = queries.counts(session, within, asked, now)
    tabs: list[tuple[str, str, int | None]] = []
    for tab, label in LABELS.items():
        many = held.get(tab, 0) >= queries.COUNT_MAX
        shown = f"{label} ({queries.COUNT_MAX:,}+)" if many else label
        tabs.append((shown, url_for("exceptions.inbox", tab=tab), None if many else held.get(tab)))
    return tabs
