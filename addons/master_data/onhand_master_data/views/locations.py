"""REST: `/api/v1/locations`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_master_data import importers, queries, schemas, services
from onhand_master_data.listings import LOCATION_ORDER, LocationFilter, locations_listed
from onhand_master_data.services import Requested
from onhand_master_data.values import Location, LocationChange, LocationDraft
from onhand_master_data.views.asking import (
    answered,
    attempt_import,
    change,
    demand_whole_entities,
    reach,
    reported,
    taken_apart,
    within_reach,
)

__all__ = ["known_location", "locations_api"]

locations_api = Blueprint(
    "master_data_api_locations", __name__, url_prefix="/locations", description="Where stock is held"
)


@locations_api.route("")
class Locations(MethodView):
    """The locations of the token's entities."""

    @requires("master_data.read")
    @locations_api.arguments(schemas.LocationQuerySchema, location="query")
    @locations_api.response(200, schemas.LocationListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List locations by code."""
        query = locations_listed(LocationFilter(wanted.get("q"), wanted.get("kind"), wanted.get("active")), reach())
        found = in_scope(lambda session, _: page(session, query, LOCATION_ORDER, wanted.get("cursor"), wanted["limit"]))
        return {**found}

    @requires("master_data.edit")
    @locations_api.arguments(schemas.LocationSchema)
    @locations_api.response(201, schemas.LocationSchema)
    def post(self, given: dict[str, Any]) -> tuple[Location, int, dict[str, str]]:
        """Create a location; 409 when its code or GLN is taken."""
        demand_whole_entities()
        draft = LocationDraft(**given)
        [made] = change(lambda session, now: services.create_locations(session, [draft], by=actor(), now=now))
        return made, 201, {"Location": url_for("master_data_api_locations.OneLocation", code=made.code)}


@locations_api.route("/<code>")
class OneLocation(MethodView):
    """One location."""

    @requires("master_data.read")
    @locations_api.response(200, schemas.LocationSchema)
    def get(self, code: str) -> Location:
        """Return a location of the token's entities."""
        return in_scope(lambda session, _: known_location(session, code))

    @requires("master_data.edit")
    @locations_api.arguments(schemas.LocationPatchSchema)
    @locations_api.response(200, schemas.LocationSchema)
    @locations_api.alt_response(202, schema=schemas.AskedForSchema)
    def patch(self, given: dict[str, Any], code: str) -> Any:
        """Change a location. One that is in use, or a change with a day, becomes a change request: 202 where it waits."""
        wish, terms = taken_apart(given)

        def command(session: Session, now: datetime) -> Location | Requested:
            known_location(session, code, "master_data.edit")
            rows = [LocationChange(code, **wish)]
            changed = services.change_locations(session, rows, terms=terms, by=actor(), now=now)
            return changed.waiting or queries.locations_by_code(session, [code])[code]

        return answered(change(command))


@locations_api.route("/import", methods=["POST"])
@requires("master_data.edit")
@locations_api.arguments(schemas.ImportQuerySchema, location="query")
@locations_api.response(200, schemas.ImportReportSchema)
def import_locations(asked: Mapping[str, bool]) -> dict[str, Any]:
    """Create and change locations from a CSV file, the body: all of its rows or none. 422 names row and column."""
    demand_whole_entities()
    report = attempt_import(importers.LOCATIONS, request.get_data(), dry_run=asked["dry_run"])
    return {**reported(report), **asked}


def known_location(session: Session, code: str, permission: str = "master_data.read") -> Location:
    """Return the location of this code within reach; NotFound otherwise, whatever else it may be."""
    location = queries.locations_by_code(session, [code]).get(code)
    if location is None or not within_reach(location, queries.ids_by_entity(session)[location.entity], permission):
        raise problems.NotFound("there is no such location")
    return location
