"""HTML: the list of locations and one location."""

from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from onhand.access import in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, asked, filters
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.listings import LOCATION_ORDER, LocationFilter, locations_listed
from onhand_master_data.requests import REQUEST_ORDER, requests_listed
from onhand_master_data.values import KINDS
from onhand_master_data.views.asking import may_edit, reach, within_reach
from onhand_master_data.views.locations import known_location
from onhand_master_data.views.pages import asked_active, master_data

__all__ = ["location_pages"]

location_pages = master_data
COLUMNS = [
    Column("code", "Code", "code", href=lambda row: url_for("master_data.location", code=row.code)),
    Column("name", "Name"),
    Column("kind", "Kind"),
    Column("gln", "GLN", "code"),
    Column("time_zone", "Time zone"),
    Column("active", "State"),
]
KIND_LABELS = {kind: kind.replace("_", " ").capitalize() for kind in KINDS}


@master_data.get("/locations")
@requires("master_data.read")
def locations() -> str:
    """List the entity's locations that the person may see."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        kind = asked("kind")
        narrowed = LocationFilter(asked("q"), kind if kind in KINDS else None, asked_active())
        found = page(session, locations_listed(narrowed, reach()), LOCATION_ORDER, request.args.get("cursor"))
        return {"rows": found["items"], "next": found["next"]}

    return render_template(
        "master_data/locations.html",
        columns=COLUMNS,
        kinds=KIND_LABELS,
        filters=filters(),
        may_edit=may_edit(),
        **in_scope(command),
    )


@master_data.get("/locations/<code>")
@requires("master_data.read")
def location(code: str) -> str:
    """Show one location."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        found = known_location(session, code)
        waiting = page(session, requests_listed(scope(), "pending", found.code), REQUEST_ORDER, None)["items"]
        ids = queries.ids_by_entity(session)
        may = within_reach(found, ids[found.entity], "master_data.edit")
        return {"location": found, "waiting": waiting, "may_change": may}

    return render_template("master_data/location.html", kinds=KIND_LABELS, **in_scope(command))
