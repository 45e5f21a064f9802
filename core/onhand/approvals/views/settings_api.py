"""REST: `/api/v1/approval-rules` and `/api/v1/delegations`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, in_scope, principal, requires, scope
from onhand.addons.models import Entity
from onhand.approvals import schemas
from onhand.approvals.backtesting import SECONDS_MAX, backtest_rules
from onhand.approvals.services.delegating import DelegationRefused, NewDelegation, delegate, delegations, revoke
from onhand.approvals.services.outcomes import Asked, Refused
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rules import NewRule, RuleChange, RuleRefused, change_rules, rules
from onhand.approvals.views.asking import require_done

__all__ = ["delegations_api", "rules_api"]

T = TypeVar("T")

rules_api = Blueprint(
    "approval_rules_api", __name__, url_prefix="/approval-rules", description="Who must agree to what"
)
delegations_api = Blueprint(
    "delegations_api", __name__, url_prefix="/delegations", description="Who stands in for whom"
)


@rules_api.route("")
class Rules(MethodView):
    """The rules in force."""

    @requires("approvals.read")
    @rules_api.response(200, schemas.ApprovalRuleListSchema)
    def get(self) -> dict[str, Any]:
        """List the rules of the entities within reach, and of the group."""

        def command(session: Session, _: datetime) -> list[dict[str, Any]]:
            codes = {row.id: row.code for row in session.execute(select(Entity.id, Entity.code))}
            return [
                {**_wire(rule), "entity": codes.get(rule.entity_id) if rule.entity_id else None}
                for rule in rules(session)
            ]

        return {"items": in_scope(command)}

    @requires("approvals.edit")
    @rules_api.arguments(schemas.ApprovalRuleChangeSchema)
    @rules_api.response(200, schemas.ApprovalRuleAnswerSchema)
    def post(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Add and retire rules at one place, as one change, which may itself wait for consent."""

        def command(session: Session, now: datetime) -> Asked | Refused:
            return change_rules(session, [_change(session, asked)], by=actor(), now=now)[0]

        answer = _ruled(command)
        require_done(answer)
        assert isinstance(answer, Asked)  # noqa: S101 - the line above raised otherwise
        return {"id": answer.id, "status": answer.status, "version": answer.version, "steps": answer.steps}


@rules_api.route("/backtest", methods=["POST"])
@requires("approvals.read")
@rules_api.arguments(schemas.ApprovalRuleBacktestSchema)
@rules_api.response(200, schemas.ApprovalRuleBacktestAnswerSchema)
def try_rules(asked: dict[str, Any]) -> dict[str, Any]:
    """Put recorded requests before the rules as a change would have them: who would have had to agree. Changes nothing."""
    days = asked["days"]
    try:
        found = _ruled(lambda session, now: backtest_rules(session, _change(session, asked), now=now, days=days))
    except psycopg.errors.QueryCanceled:
        message = f"looking back {days} days takes longer than {SECONDS_MAX} s: ask for fewer days"
        raise problems.Unavailable(message) from None
    return {"days": days, **asdict(found)}


@delegations_api.route("")
class Delegations(MethodView):
    """One's own delegations."""

    @requires("approvals.approve")
    @delegations_api.response(200, schemas.DelegationListSchema)
    def get(self) -> dict[str, Any]:
        """List what one has delegated, and was delegated, and has not ended."""

        def command(session: Session, now: datetime) -> list[Any]:
            person = person_of(session, actor())
            return [] if person is None else [_wire(each) for each in delegations(session, person, now=now)]

        return {"items": in_scope(command)}

    @requires("approvals.approve")
    @delegations_api.arguments(schemas.NewDelegationSchema)
    @delegations_api.response(201, schemas.DelegationSchema)
    def post(self, asked: dict[str, Any]) -> Any:
        """Let a person approve in one's stead until an end."""
        wish = NewDelegation(**{**asked, "kinds": tuple(asked["kinds"])})
        try:
            return in_scope(lambda session, now: _wire(delegate(session, [wish], by=actor(), now=now)[0]))
        except DelegationRefused as refused:
            raise problems.Invalid(str(refused), errors=[problems.field_error(refused.field, str(refused))]) from None


@delegations_api.route("/<int:delegation_id>/revoke", methods=["POST"])
@requires("approvals.approve")
@delegations_api.response(200, schemas.DelegationListSchema)
def end(delegation_id: int) -> dict[str, Any]:
    """End a delegation of one's own at once, and list what is left; others' are passed over."""

    def command(session: Session, now: datetime) -> list[Any]:
        person = person_of(session, actor())
        revoke(session, [delegation_id], by=actor(), now=now)
        return [] if person is None else [_wire(each) for each in delegations(session, person, now=now)]

    return {"items": in_scope(command)}


def _wire(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _ruled(command: Callable[[Session, datetime], T]) -> T:
    try:
        return in_scope(command)
    except RuleRefused as refused:
        raise problems.Invalid(str(refused), errors=[problems.field_error(refused.field, str(refused))]) from None


def _change(session: Session, asked: dict[str, Any]) -> RuleChange:
    entity_id = _place(session, asked["entity"])
    added = tuple(NewRule(**each) for each in asked["add"])
    return RuleChange(asked.get("key", ""), entity_id, added, tuple(asked["retire"]), asked.get("note"))


def _place(session: Session, code: str | None) -> int | None:
    """Return the entity a change is for, within reach; None for the group, where that is within reach."""
    if code is None:
        if not principal().may_in_group("approvals.edit"):
            message = "name an entity: rules of the whole group need approvals.edit in the group"
            raise problems.Invalid(message, errors=[problems.field_error("entity", message)])
        return None
    found = session.scalar(select(Entity.id).where(Entity.code == code, Entity.id.in_(scope())))
    if found is None or principal().locations("approvals.edit", found) is not None:
        raise problems.NotFound(f"there is no entity {code!r} here")
    return found
