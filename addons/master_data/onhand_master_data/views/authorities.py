"""REST: `/api/v1/authorities`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import actor, in_scope, requires, scope
from sqlalchemy.orm import Session

from onhand_master_data import queries, schemas, services
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services import Ending, Naming
from onhand_master_data.views.asking import change, demand_whole_entities

__all__ = ["authorities_api"]

authorities_api = Blueprint(
    "master_data_api_authorities", __name__, url_prefix="/authorities", description="Which system is authoritative"
)


@authorities_api.route("")
class Authorities(MethodView):
    """Who is authoritative for which data of the token's entities."""

    @requires("master_data.read")
    @authorities_api.arguments(schemas.AuthorityQuerySchema, location="query")
    @authorities_api.response(200, schemas.AuthorityListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List the periods of the registry, newest first; with `at`, those in force then. They are few: one page."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            rows = services.registered(session, scope())
            codes = {id_: code for code, id_ in queries.ids_by_entity(session).items()}
            at = wanted.get("at")
            return {
                "items": [
                    row.told(codes)
                    for row in rows
                    if wanted.get("domain") in (None, row.domain) and (at is None or row.holds(at))
                ]
            }

        return in_scope(command)

    @requires("master_data.edit")
    @authorities_api.arguments(schemas.AuthoritySchema)
    @authorities_api.response(201, schemas.AuthoritySchema)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Name a system for a domain of an entity; 409 when the period overlaps another, unless it replaces that."""
        demand_whole_entities()

        def command(session: Session, now: datetime) -> dict[str, Any]:
            ids = queries.ids_by_entity(session)
            entity_id = ids.get(given["entity"])
            if entity_id not in scope():
                raise Refused([FieldError(0, "entity", "there is no such entity within reach", given["entity"])])
            naming = Naming(entity_id, **{name: value for name, value in given.items() if name != "entity"})
            [made] = services.name_authorities(session, [naming], by=actor(), now=now)
            return made.told({id_: code for code, id_ in ids.items()})

        return change(command)


@authorities_api.route("/<int:period_id>/end", methods=["POST"])
@requires("master_data.edit")
@authorities_api.arguments(schemas.AuthorityEndSchema)
@authorities_api.response(200, schemas.AuthoritySchema)
def end_period(given: dict[str, Any], period_id: int) -> dict[str, Any]:
    """End a period, now unless said; one that has not begun is withdrawn."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> dict[str, Any]:
        [row] = services.end_authorities(session, [Ending(period_id, given.get("at"))], by=actor(), now=now)
        return row.told({id_: code for code, id_ in queries.ids_by_entity(session).items()})

    return change(command)
