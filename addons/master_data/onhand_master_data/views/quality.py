"""REST: `/api/v1/data_quality` and `/api/v1/validation_rules`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_master_data import quality, queries, schemas, services
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services import NewSetting, Setting
from onhand_master_data.views.asking import change, demand_whole_entities

__all__ = ["quality_api", "rules_api"]

quality_api = Blueprint(
    "master_data_api_quality", __name__, url_prefix="/data_quality", description="Scores and findings per entity"
)
rules_api = Blueprint(
    "master_data_api_rules", __name__, url_prefix="/validation_rules", description="What items are held to"
)


@quality_api.route("")
class DataQuality(MethodView):
    """How good the item masters of the token's entities are."""

    @requires("master_data.read")
    @quality_api.response(200, schemas.ScoreListSchema)
    def get(self) -> dict[str, Any]:
        """List the score of each entity as measured last."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            codes = {id_: code for code, id_ in queries.ids_by_entity(session).items()}
            return {
                "items": [
                    {"entity": codes[entity_id], "score": str(one.score), "items": one.items,
                     "with_findings": one.with_findings, "findings": one.findings, "measured_at": one.measured_at}
                    for entity_id in scope()
                    for one in services.latest_scores(session, entity_id, 1)
                ]
            }  # fmt: skip

        return in_scope(command)


@quality_api.route("/findings")
@requires("master_data.read")
@quality_api.arguments(schemas.FindingQuerySchema, location="query")
@quality_api.response(200, schemas.FindingListSchema)
def findings(wanted: dict[str, Any]) -> dict[str, Any]:
    """List what is wrong with the items of one entity: the only one of the token, or the one named."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        entity_id = _entity(session, wanted["entity"]) if wanted.get("entity") else scope()[0]
        query = quality.findings_listed(entity_id, wanted.get("rule"), wanted.get("q"))
        return {**page(session, query, quality.FINDING_ORDER, wanted.get("cursor"), wanted["limit"])}

    return change(command)


@rules_api.route("")
class ValidationRules(MethodView):
    """What items are held to."""

    @requires("master_data.read")
    @rules_api.response(200, schemas.RuleListSchema)
    def get(self) -> dict[str, Any]:
        """List the settings in force and to come, the group's included."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            codes = {id_: code for code, id_ in queries.ids_by_entity(session).items()}
            return {"items": [_shown(one, codes) for one in services.settings(session, now=now)]}

        return in_scope(command)

    @requires("master_data.edit")
    @rules_api.arguments(schemas.RuleSchema)
    @rules_api.response(201, schemas.RuleSchema)
    def post(self, given: dict[str, Any]) -> dict[str, Any]:
        """Hold the items of an entity to a rule; 409 where it holds there already."""
        demand_whole_entities()

        def command(session: Session, now: datetime) -> dict[str, Any]:
            parts = {name: value for name, value in given.items() if name != "entity"}
            wish = NewSetting(**parts, entity_id=_entity(session, given["entity"]))
            [made] = services.add_rules(session, [wish], by=actor(), now=now)
            return _shown(made, {id_: code for code, id_ in queries.ids_by_entity(session).items()})

        return change(command)


@rules_api.route("/<int:rule_id>/retire", methods=["POST"])
@requires("master_data.edit")
@rules_api.response(204)
def retire(rule_id: int) -> None:
    """Hold items to it no longer."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> None:
        services.retire_rules(session, [rule_id], by=actor(), now=now, within=scope())

    change(command)


def _entity(session: Session, code: str) -> int:
    entity_id = queries.ids_by_entity(session).get(code)
    if entity_id not in scope() or entity_id is None:
        raise Refused([FieldError(0, "entity", "there is no such entity within reach", code)])
    return entity_id


def _shown(one: Setting, codes: dict[int, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "rule": one.rule,
        "parameter": one.parameter,
        "category": one.category,
        "entity": codes[one.entity_id] if one.entity_id is not None else None,
        "blocks": one.blocks,
        "effective_from": one.effective_from,
    }
