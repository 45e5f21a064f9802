"""HTML: locations and units are changed here; in use they become change requests."""

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_master_data import queries, services
from onhand_master_data.services import Changed
from onhand_master_data.values import KINDS, LocationChange, UnitChange
from onhand_master_data.views.asking import demand_whole_entities, may_edit
from onhand_master_data.views.changing import carried_out, terms_filled
from onhand_master_data.views.groundwork import known_unit
from onhand_master_data.views.locations import known_location
from onhand_master_data.views.pages import master_data

__all__ = ["ground_pages"]

ground_pages = master_data
UNIT_COLUMNS = [
    Column("code", "Code", "code"), Column("name", "Name"), Column("dimension", "Measures"), Column("act", "Change"),
]  # fmt: skip


@master_data.get("/locations/<code>/change")
@requires("master_data.edit")
def location_form(code: str) -> str:
    """Offer what can be changed of a location."""
    return _location_form(code, {}, given=None)


@master_data.post("/locations/<code>/change")
@requires("master_data.edit")
def change_location(code: str) -> ResponseReturnValue:
    """Change a location, or ask for it where it is in use."""

    def command(session: Session, now: datetime) -> Changed:
        known_location(session, code, "master_data.edit")
        wish = LocationChange(
            code, name=filled("name"), kind=filled("kind"), gln=filled("gln") or None, time_zone=filled("time_zone"),
            active=bool(filled("active")),
        )  # fmt: skip
        return services.change_locations(session, [wish], terms=terms_filled(session), by=actor(), now=now)

    again = lambda errors: _location_form(code, errors, given=request.form)  # noqa: E731 - it is called in one place
    return carried_out(command, scope(), again, url_for("master_data.location", code=code))


@master_data.get("/units")
@requires("master_data.read")
def units() -> str:
    """List the units there are."""
    found = in_scope(lambda session, _: list(queries.units(session).values()))
    columns = UNIT_COLUMNS if may_edit() else UNIT_COLUMNS[:-1]
    return render_template("master_data/units.html", columns=columns, rows=found)


@master_data.get("/units/<code>/change")
@requires("master_data.edit")
def unit_form(code: str) -> str:
    """Offer to call a unit by another name."""
    return _unit_form(code, {}, given=None)


@master_data.post("/units/<code>/change")
@requires("master_data.edit")
def change_unit(code: str) -> ResponseReturnValue:
    """Call a unit by another name, or ask for it where items have it."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> Changed:
        known_unit(session, code)
        wish = UnitChange(code, filled("name"))
        return services.change_units(session, [wish], terms=terms_filled(session), by=actor(), now=now)

    again = lambda errors: _unit_form(code, errors, given=request.form)  # noqa: E731 - it is called in one place
    return carried_out(command, scope(), again, url_for("master_data.units"))


def _location_form(code: str, errors: dict[str, str], given: Any) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        known = known_location(session, code, "master_data.edit")
        stands = {
            "name": known.name, "kind": known.kind, "gln": known.gln or "", "time_zone": known.time_zone,
            "active": "1" if known.active else "",
        }  # fmt: skip
        return {
            "location": known,
            "given": stands if given is None else given,
            "entity": queries.entity_of(session, scope()[0]),
        }

    return render_template(
        "master_data/location_form.html",
        errors=errors,
        kinds=[(kind, kind.replace("_", " ").capitalize()) for kind in KINDS],
        zones=[(zone, zone) for zone in sorted(available_timezones())],
        **in_scope(load),
    )


def _unit_form(code: str, errors: dict[str, str], given: Any) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        known = known_unit(session, code)
        return {
            "unit": known,
            "given": {"name": known.name} if given is None else given,
            "entity": queries.entity_of(session, scope()[0]),
        }

    return render_template("master_data/unit_form.html", errors=errors, **in_scope(load))
