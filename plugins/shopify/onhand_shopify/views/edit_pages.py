"""HTML under `/shopify/`: connect a channel to its shop, change how, map its locations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.web import filled
from onhand_channels.api import channels_of
from onhand_master_data.api import location_choices
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, services
from onhand_shopify.values import Connect
from onhand_shopify.views.asking import connected, demand_whole, is_reached, known_shop
from onhand_shopify.views.pages import shopify

__all__ = ["edit_pages"]

edit_pages = shopify
FIELDS = ("channel", "domain", "api_version", "client_id", "secret", "access_token")
SECRETS = ("secret", "access_token")
NEWEST_VERSION = "2026-10"


@shopify.get("/-connect")  # no code begins with a dash
@requires("shopify.edit")
def propose() -> str:
    """Show the form that connects a channel to its shop."""
    return _form(None, {"api_version": NEWEST_VERSION})


@shopify.post("/-connect")
@requires("shopify.edit")
def connect() -> ResponseReturnValue:
    """Connect a channel to its shop."""
    given = _given()
    return _save(None, given["channel"], given)


@shopify.get("/<code>/edit")
@requires("shopify.edit")
def edit(code: str) -> str:
    """Show how a channel is connected; secrets are never shown."""
    _, shop = in_scope(lambda session, _: known_shop(session, code, "shopify.edit"))
    return _form(code, {"domain": shop.domain, "api_version": shop.api_version, "client_id": shop.client_id})


@shopify.post("/<code>/edit")
@requires("shopify.edit")
def change(code: str) -> ResponseReturnValue:
    """Change how a channel is connected."""
    in_scope(lambda session, _: known_shop(session, code, "shopify.edit"))
    return _save(code, code, _given())


@shopify.post("/<code>/locations")
@requires("shopify.edit")
def map_locations(code: str) -> ResponseReturnValue:
    """Say which of our locations each of a shop's is."""
    demand_whole()

    def command(session: Session, now: datetime) -> str:
        channel, _shop = known_shop(session, code, "shopify.edit")
        ours = {str(place.id): place.id for place in location_choices(session, [channel.entity_id])}
        wanted: dict[int, int | None] = {}
        for one in queries.locations_of(session, channel.id):
            chosen = request.form.get(f"location-{one.shopify_id}", "")
            wanted[one.shopify_id] = ours.get(chosen) if chosen else None
        taken = [to for to in wanted.values() if to is not None]
        if len(taken) != len(set(taken)):
            return "Nothing was saved: two of the shop's locations cannot be one of ours."
        services.map_locations(session, channel, wanted, by=actor(), now=now)
        jobs.have_taken(session, channel.entity_id, code)
        return ""

    refusal = in_scope(command)
    flash(refusal or "Saved. What was parked for want of a location is being told.", "bad" if refusal else "good")
    return redirect(url_for("shopify.shop", code=code) + "#locations", 303)


def _given() -> dict[str, str]:
    return {name: filled(name, 1_000) for name in FIELDS}


def _save(code: str | None, channel: str, given: Mapping[str, str]) -> ResponseReturnValue:
    demand_whole()
    if channel not in {one for one, _ in _channels(None)}:
        return _form(code, given, {"channel": "choose one of the channels"}), 422
    wish = Connect(
        channel, given["domain"].lower().removeprefix("https://").rstrip("/"), given["api_version"],
        given["client_id"] or None, given["secret"] or None, given["access_token"] or None,
    )  # fmt: skip
    faults = in_scope(lambda session, now: connected(session, wish, now))
    if faults:
        return _form(code, given, {fault.field: fault.detail for fault in faults}), 422
    flash("Connected. Its locations and items are being read; map the locations next.", "good")
    return redirect(url_for("shopify.shop", code=channel), 303)


def _form(code: str | None, given: Mapping[str, Any], errors: Mapping[str, str] | None = None) -> str:
    shown = {name: value for name, value in given.items() if name not in SECRETS}
    return render_template("shopify/edit.html", code=code, given=shown, errors=errors or {}, channels=_channels(code))


def _channels(code: str | None) -> list[tuple[str, str]]:
    def command(session: Session, _: datetime) -> list[tuple[str, str]]:
        return [
            (channel.code, f"{channel.code} · {channel.name}")
            for channel in channels_of(session, scope())
            if is_reached(channel, "shopify.edit") and code in {None, channel.code}
        ]

    return in_scope(command)
