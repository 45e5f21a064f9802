"""REST: `/api/v1/field_owners`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires, scope
from sqlalchemy.orm import Session

from onhand_master_data import queries, schemas, services
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services import NewOwner
from onhand_master_data.views.asking import change, may_rule

__all__ = ["owners_api"]

owners_api = Blueprint(
    "master_data_api_owners", __name__, url_prefix="/field_owners", description="Who owns which field"
)


@owners_api.route("")
class FieldOwners(MethodView):
    """Who must agree to a change of which field."""

    @requires("master_data.read")
    @owners_api.response(200, schemas.FieldOwnerListSchema)
    def get(self) -> dict[str, Any]:
        """List the owners in each of the token's entities, and (no entity) of what concerns several. They are few: one page."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            codes = {id_: code for code, id_ in queries.ids_by_entity(session).items()}
            places: list[int | None] = [*scope(), None]
            return {
                "items": [
                    {"entity": codes[place] if place is not None else None, "field": one.field, "label": one.label,
                     "roles": list(one.roles), "said_by": one.place, "own": one.own}
                    for place in places
                    for one in services.owners(session, place)
                ]
            }  # fmt: skip

        return in_scope(command)

    @requires("master_data.edit")
    @owners_api.arguments(schemas.NewFieldOwnerSchema)
    @owners_api.response(200, schemas.NewFieldOwnerAnswerSchema)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Name the role that owns a field of an entity, or (no entity) of the group; it may wait for consent itself."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            code = given["entity"]
            entity_id = None if code is None else queries.ids_by_entity(session).get(code)
            if code is not None and entity_id not in scope():
                raise Refused([FieldError(0, "entity", "there is no such entity within reach", code)])
            if not may_rule(entity_id):
                raise problems.Forbidden("the rules for approvals of this place are not yours to change")
            wish = NewOwner(given["field"], given["role"], entity_id)
            [made] = services.name_owners(session, [wish], note=given["note"], by=actor(), now=now)
            roles = [step.role for step in made.steps] if made.status == "pending" else []
            return {"approval": made.id, "status": made.status, "waits_for": roles}

        return change(command)
