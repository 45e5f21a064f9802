"""HTML `/exceptions/digests`: who is told what by mail, which program by webhook, and what it would say now."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand import problems
from onhand.access import actor, in_scope, principal, requires, scope
from onhand.config import Settings
from onhand.web import filled, whole_number
from sqlalchemy.orm import Session

from onhand_exceptions import digesting, filtering, jobs, lookups, services
from onhand_exceptions.filtering import BadToken
from onhand_exceptions.services.digests import Per
from onhand_exceptions.views.asking import demand_whole_entity, me
from onhand_exceptions.views.pages import exceptions

__all__ = ["deliver_again", "digests", "end_digest", "make_digest", "reveal"]

SHOWN_MAX = 10
FIELDS = ("name", "query", "per", "address", "days", "hour")
DAYS = [("weekdays", "Monday to Friday"), ("daily", "every day"), ("mondays", "on Mondays")]
PER = [
    ("team", "A team, by mail"),
    ("owner", "Each owner, of what is theirs, by mail"),
    ("webhook", "A program, by webhook"),
]


@exceptions.get("/digests")
@requires("exceptions.read")
def digests() -> str:
    """Show the digests of the entity; one chosen by `show` with what it would say now."""
    return _page({}, None)


@exceptions.post("/digests")
@requires("exceptions.edit")
def make_digest() -> ResponseReturnValue:
    """Begin a digest, or say which field stands against it."""
    demand_whole_entity("exceptions.edit")
    given = {name: filled(name, 500) for name in FIELDS}
    hour = whole_number(given["hour"], 2)
    per: Per = "owner" if given["per"] == "owner" else "webhook" if given["per"] == "webhook" else "team"
    wish = services.NewDigest(
        given["name"], given["query"], per, given["address"], given["days"], -1 if hour is None else hour
    )

    def command(session: Session, now: datetime) -> int:
        return services.make_digest(
            session, scope()[0], wish, by=actor(), user_id=me() or 0, now=now, hosts=_settings().outgoing_hosts
        )

    try:
        made = in_scope(command)
    except services.DigestRefused as refusal:
        return _page(given, refusal), 422
    flash(f"{wish.name} begins.", "good")
    return redirect(url_for("exceptions.digests", show=made), 303)


@exceptions.post("/digests/<int(max=2147483647):digest_id>/end")
@requires("exceptions.edit")
def end_digest(digest_id: int) -> ResponseReturnValue:
    """End a digest."""
    demand_whole_entity("exceptions.edit")
    if not in_scope(lambda session, now: services.end_digest(session, scope()[0], digest_id, by=actor(), now=now)):
        raise problems.NotFound("there is no such digest here")
    flash("Ended.", "good")
    return redirect(url_for("exceptions.digests"), 303)


@exceptions.post("/digests/<int(max=2147483647):digest_id>/secret")
@requires("exceptions.edit")
def reveal(digest_id: int) -> Response:
    """Show what a webhook's calls are signed with. Who saw it is kept."""
    demand_whole_entity("exceptions.edit")
    key = _settings().secret_key
    secret = in_scope(lambda session, _: services.reveal_secret(session, scope()[0], digest_id, key, by=actor()))
    if secret is None:
        raise problems.NotFound("there is no such webhook here")
    shown = make_response(_page({}, None, show=str(digest_id), secret=secret))
    shown.headers["Cache-Control"] = "no-store"
    return shown


@exceptions.post("/deliveries/<uuid:delivery_id>/again")
@requires("exceptions.edit")
def deliver_again(delivery_id: UUID) -> ResponseReturnValue:
    """Try once more what was given up."""
    demand_whole_entity("exceptions.edit")

    def command(session: Session, now: datetime) -> bool:
        begun = services.begin_again(session, scope()[0], delivery_id, by=actor())
        if begun:
            jobs.again(session, scope()[0], delivery_id, now=now)
        return begun

    begun = in_scope(command)
    flash("It is tried again." if begun else "Nothing of that was given up.", "good" if begun else "bad")
    return redirect(url_for("exceptions.digests", show=request.form.get("digest", "")[:10] or None), 303)


def _settings() -> Settings:
    found: Settings = current_app.extensions["onhand_settings"]
    return found


def _page(
    given: dict[str, str], refusal: services.DigestRefused | None, show: str | None = None, secret: str | None = None
) -> str:
    chosen = show or request.args.get("show")
    return render_template(
        "exceptions/digests.html",
        given=given,
        refusal=refusal,
        all_days=DAYS,
        all_per=PER,
        hours=[(hour, f"{hour:02}:00") for hour in range(24)],
        secret=secret,
        tries=jobs.TRIES,
        **in_scope(lambda session, now: _digests(session, now, chosen)),
    )


def _digests(session: Session, now: datetime, show: str | None) -> dict[str, Any]:
    entity_id = scope()[0]
    rows = lookups.digests_of(session, entity_id)
    chosen = next((row for row in rows if str(row.id) == show), None)
    return {
        "rows": rows,
        "chosen": chosen,
        "texts": _texts(session, entity_id, chosen, now) if chosen else [],
        "deliveries": lookups.deliveries_of(session, chosen.id) if chosen and chosen.per == "webhook" else [],
        "may_edit": principal().may("exceptions.edit", entity_id),
        "keys": filtering.KEYS,
    }


def _texts(session: Session, entity_id: int, chosen: Any, now: datetime) -> list[tuple[str, str]]:
    [entity] = lookups.entities_of(session, [entity_id])
    try:
        parts = digesting.parts_of(
            session, entity_id, chosen.query, chosen.per, chosen.user_id, now, most=SHOWN_MAX
        )  # fmt: skip
    except BadToken as bad:
        return [(chosen.name, f"The filter cannot be read any more: {bad}")]
    zone = ZoneInfo(entity.time_zone)
    site = request.host_url
    if chosen.per == "webhook":
        said = digesting.document_of(parts[0], chosen.name, chosen.query, entity.code, entity.currency, site, now)
        return [(chosen.address, msgspec.json.format(said, indent=2))]
    return [
        (part.name or chosen.address, digesting.text_of(part, entity.code, entity.currency, zone, site, now))
        for part in parts
    ]
