"""HTML under `/channels/`: propose a channel, and change its name, kind and locations."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.web import filled
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.services import change_channels, create_channels, entity_codes
from onhand_channels.states import PROPOSED
from onhand_channels.values import ChannelChange, ChannelDraft, ChannelRef, ChannelRefused
from onhand_channels.views.asking import demand_whole_entities, known_channel
from onhand_channels.views.pages import KIND_LABELS, channels

__all__ = ["edit_pages"]

edit_pages = channels
FIELD_CHARACTERS_MAX = 100_000
SEPARATORS = re.compile(r"[\s,|;]+")


@channels.get("/-new")  # no code begins with a dash
@requires("channels.edit")
def propose() -> str:
    """Show the form of a new channel."""
    return _form(None, {"kind": "ecommerce"})


@channels.post("/-new")
@requires("channels.edit")
def create() -> ResponseReturnValue:
    """Propose a channel: it begins in shadow."""
    demand_whole_entities("channels.edit")
    given = _given()

    def command(session: Session, now: datetime) -> list[ChannelRef]:
        entity = entity_codes(session)[scope()[0]]
        draft = ChannelDraft(given["code"], given["name"], given["kind"], entity, _codes(given), PROPOSED)
        return create_channels(session, [draft], by=actor(), now=now)

    try:
        in_scope(command)
    except ChannelRefused as refused:
        return _form(None, given, refused), 422
    flash("Proposed. It is in shadow until it is live: see what is left to do.", "good")
    return redirect(url_for("channels.life", code=given["code"]), 303)


@channels.get("/<code>/edit")
@requires("channels.edit")
def edit(code: str) -> str:
    """Show the form of a channel."""

    def command(session: Session, _: datetime) -> tuple[ChannelRef, dict[str, str]]:
        channel = known_channel(session, code, "channels.edit")
        names = queries.location_codes(session, [channel])
        locations = "\n".join(names[location_id] for location_id in channel.location_ids)
        return channel, {"name": channel.name, "kind": channel.kind, "locations": locations}

    return _form(*in_scope(command))


@channels.post("/<code>/edit")
@requires("channels.edit")
def change(code: str) -> ResponseReturnValue:
    """Change a channel's name, kind or locations."""
    demand_whole_entities("channels.edit")
    given = _given()
    wanted = ChannelChange(code, name=given["name"], kind=given["kind"], locations=_codes(given))

    def command(session: Session, now: datetime) -> ChannelRef:
        known_channel(session, code, "channels.edit")
        return change_channels(session, [wanted], by=actor(), now=now)[0]

    try:
        in_scope(command)
    except ChannelRefused as refused:
        return _form(in_scope(lambda session, _: known_channel(session, code, "channels.edit")), given, refused), 422
    flash("Saved.", "good")
    return redirect(url_for("channels.channel", code=code), 303)


def _given() -> dict[str, str]:
    return {name: filled(name, FIELD_CHARACTERS_MAX) for name in ("code", "name", "kind", "locations")}


def _codes(given: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(code for code in SEPARATORS.split(given["locations"]) if code)


def _form(channel: ChannelRef | None, given: Mapping[str, Any], refused: ChannelRefused | None = None) -> str:
    errors: dict[str, str] = {}
    for error in refused.errors if refused else ():
        errors.setdefault(error.field, f"{error.value}: {error.message}" if error.value else error.message)
    return render_template(
        "channels/edit.html", channel=channel, given=given, errors=errors, kinds=list(KIND_LABELS.items())
    )
