"""REST: `/api/v1/change_requests`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_master_data import requests, schemas, services
from onhand_master_data.views.asking import change, demand_whole_entities

__all__ = ["requests_api"]

requests_api = Blueprint(
    "master_data_api_requests",
    __name__,
    url_prefix="/change_requests",
    description="Changes of what is in use: what waits for consent or its day, and what became of the others",
)


@requests_api.route("")
class ChangeRequests(MethodView):
    """The requests that concern the token's entities."""

    @requires("master_data.read")
    @requests_api.arguments(schemas.ChangeRequestQuerySchema, location="query")
    @requests_api.response(200, schemas.ChangeRequestListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List requests, the newest first. They are made by changing items, locations and units."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            query = requests.requests_listed(scope(), wanted.get("status"))
            return {**page(session, query, requests.REQUEST_ORDER, wanted.get("cursor"), wanted["limit"])}

        return in_scope(command)


@requests_api.route("/<uuid:request_id>")
class OneChangeRequest(MethodView):
    """One request."""

    @requires("master_data.read")
    @requests_api.response(200, schemas.ChangeRequestSchema)
    def get(self, request_id: UUID) -> Any:
        """Return a request."""
        return in_scope(lambda session, _: known_request(session, request_id))


@requests_api.route("/<uuid:request_id>/withdraw", methods=["POST"])
@requires("master_data.edit")
@requests_api.response(200, schemas.ChangeRequestSchema)
def withdraw(request_id: UUID) -> Any:
    """Take a request back: one that waits for consent by whoever asked, one that waits for its day or failed by anyone."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> Any:
        known_request(session, request_id)
        services.withdraw_requests(session, [request_id], by=actor(), now=now)
        return known_request(session, request_id)

    return change(command)


def known_request(session: Session, request_id: UUID) -> Any:
    """Return a request within reach; NotFound otherwise."""
    found = requests.find_request(session, request_id, scope())
    if found is None:
        raise problems.NotFound("there is no such request")
    return found
