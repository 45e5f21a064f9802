"""Signing in and out, switching the entity, and the home page. The Apps page is in `app_views`."""

from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand.access import Principal, current_entity, log_in, log_out, principal_or_none, public, switch_to
from onhand.addons.shown import gather_shown
from onhand.contributions import Tile
from onhand.transaction import run
from onhand.web.apps import title_of
from onhand.web.assets import STATIC
from onhand.web.forms import filled, whole_number

__all__ = ["shell"]

LAST = 1_000

shell = Blueprint("shell", __name__, template_folder="templates", static_folder=str(STATIC), static_url_path="/static")


@shell.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the form; who is signed in already goes on to where they wanted to be."""
    if principal_or_none() is not None:
        return redirect(_next(), 303)
    return render_template("onhand/login.html", next=request.args.get("next"), username="")


@shell.post("/login")
@public
def sign_in() -> ResponseReturnValue:
    """Sign in and go on to where the person wanted to be."""
    username = filled("username")
    if log_in(username, request.form.get("password", "")):
        return redirect(_next(), 303)
    problem = "That user name and password do not match, or signing in is paused after too many attempts."
    page = render_template("onhand/login.html", next=request.args.get("next"), username=username, problem=problem)
    return page, 401


@shell.post("/logout")
@public
def logout() -> ResponseReturnValue:
    """End the session."""
    log_out()
    flash("You are signed out.", "success")
    return redirect(url_for("shell.login"), 303)


@shell.post("/entity")
@public
def switch_entity() -> ResponseReturnValue:
    """Work in another entity from now on, beginning at its home page: this page's rows belong to the old one."""
    if principal_or_none() is None:
        return redirect(url_for("shell.login"), 303)
    switch_to(whole_number(filled("entity")) or 0)
    return redirect(url_for("shell.home"), 303)


@shell.get("/")
@public
def home() -> ResponseReturnValue:
    """Show the figures of the entity's add-ons."""
    known = principal_or_none()
    if known is None:
        return redirect(url_for("shell.login"), 303)
    entity_id = current_entity()
    tiles: list[Tile] = []
    if entity_id is not None:
        tiles = run(lambda session, now: _tiles(session, known, entity_id, now), entities=(entity_id,))
    return render_template("onhand/home.html", tiles=tiles, may_administer=known.may("onhand.administer", entity_id))


def _tiles(session: Session, known: Principal, entity_id: int, now: datetime) -> list[Tile]:
    """Gather the figures of add-ons whose rows this person may read; one that fails is told in place of its own."""
    found, failed = gather_shown(session, "tiles", entity_id, now)
    tiles = [tile for noun, tiles in found if known.may(f"{noun}.read", entity_id) for tile in tiles]
    tiles += [
        Tile(title_of(noun), "–", url_for("shell.apps"), tone="bad", hint="It did not answer; see Apps.", order=LAST)
        for noun in failed
        if known.may("onhand.administer", entity_id)
    ]
    return sorted(tiles, key=lambda tile: tile.order)


def _next() -> str:
    """Return the page the person came for, if it is one of ours: never an address of another site."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in wanted
    return wanted if ours and wanted.isprintable() else url_for("shell.home")
