"""REST: `/api/v1/approvals`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from onhand.access import actor, in_scope, requires
from onhand.approvals import queries, schemas, services
from onhand.approvals.kinds import Amendment
from onhand.approvals.services.bulk import decide_bulk
from onhand.approvals.services.outcomes import Decided, Refused
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.views.asking import ask_instead, carried, judged, reader, require_done, seen
from onhand.rest import page

__all__ = ["approvals_api"]

approvals_api = Blueprint("approvals_api", __name__, url_prefix="/approvals", description="What others must agree to")


@approvals_api.route("")
class Approvals(MethodView):
    """The inbox."""

    @requires("approvals.read")
    @approvals_api.arguments(schemas.ApprovalQuerySchema, location="query")
    @approvals_api.response(200, schemas.ApprovalListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List approvals: what waits oldest first, all else latest first."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            who = reader(session, now)
            narrowed = queries.Filter(
                wanted["view"], wanted.get("status"), wanted.get("kind"), wanted.get("entity"), wanted.get("location")
            )
            select = queries.listed(who, narrowed, kinds_of(session))
            found = page(session, select, queries.ORDERS[narrowed.tab], wanted.get("cursor"), wanted["limit"])
            refusals = judged(session, who, found["items"])
            return {"items": [_wire(row, refusals) for row in found["items"]], "next": found["next"]}

        return in_scope(command)


@approvals_api.route("/<uuid:approval_id>")
class OneApproval(MethodView):
    """One approval."""

    @requires("approvals.read")
    @approvals_api.response(200, schemas.ApprovalDetailSchema)
    def get(self, approval_id: UUID) -> dict[str, Any]:
        """Return an approval with what was done to it, and whether one may decide it."""
        return in_scope(lambda session, now: _detail(session, approval_id, now))


@approvals_api.route("/<uuid:approval_id>/decide", methods=["POST"])
@requires("approvals.read")
@approvals_api.arguments(schemas.ApprovalDecisionSchema)
@approvals_api.response(200, schemas.ApprovalDetailSchema)
def decide(asked: dict[str, Any], approval_id: UUID) -> dict[str, Any]:
    """Approve, return or reject the version one saw. The last consent carries the change out."""

    def command(session: Session, now: datetime) -> Decided | Refused:
        row = seen(session, reader(session, now), approval_id)
        decision = services.Decision(approval_id, asked["version"], asked["verdict"], asked["reason"])
        return carried(kinds_of(session), row) or services.decide(session, [decision], by=actor(), now=now)[0]

    require_done(in_scope(command))  # only now: what became outdated is kept, though the decision is refused
    return in_scope(lambda session, now: _detail(session, approval_id, now))


@approvals_api.route("/decide", methods=["POST"])
@requires("approvals.read")
@approvals_api.arguments(schemas.ApprovalBulkSchema)
@approvals_api.response(200, schemas.ApprovalBulkAnswerSchema)
def decide_many(asked: dict[str, Any]) -> dict[str, Any]:
    """Decide on many approvals of one kind, each for itself; the outcomes come in the order sent."""

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        who, kinds = reader(session, now), kinds_of(session)
        refused: dict[int, Refused] = {}
        decisions = [services.Decision(**each) for each in asked["decisions"]]
        rows = queries.some(session, who, [each.id for each in decisions])
        for position, decision in enumerate(decisions):
            row = rows.get(decision.id)
            found = (
                Refused("unknown", "there is no such approval here", decision.id)
                if row is None
                else carried(kinds, row)
            )
            if found is not None:
                refused[position] = found
        wanted = [each for position, each in enumerate(decisions) if position not in refused]
        answers = iter(decide_bulk(session, wanted, by=actor(), now=now) if wanted else [])
        return [_outcome(refused[n] if n in refused else next(answers)) for n in range(len(decisions))]

    return {"results": in_scope(command)}


@approvals_api.route("/<uuid:approval_id>/revise", methods=["POST"])
@requires("approvals.read")
@approvals_api.arguments(schemas.ApprovalRevisionSchema)
@approvals_api.response(200, schemas.ApprovalDetailSchema)
def revise(asked: dict[str, Any], approval_id: UUID) -> dict[str, Any]:
    """Ask for something else in place of what one asked for oneself: consents given so far are void."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        row = seen(session, reader(session, now), approval_id)
        wanted = Amendment(**{name: value for name, value in asked.items() if name != "version"})
        require_done(ask_instead(session, row, asked["version"], wanted, now))
        return _detail(session, approval_id, now)

    return in_scope(command)


@approvals_api.route("/<uuid:approval_id>/withdraw", methods=["POST"])
@requires("approvals.read")
@approvals_api.arguments(schemas.ApprovalWithdrawalSchema)
@approvals_api.response(200, schemas.ApprovalDetailSchema)
def withdraw(asked: dict[str, Any], approval_id: UUID) -> dict[str, Any]:
    """Take back what one asked for oneself."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, reader(session, now), approval_id)
        wish = services.Withdrawal(approval_id, asked["note"])
        require_done(services.withdraw(session, [wish], by=actor(), now=now)[0])
        return _detail(session, approval_id, now)

    return in_scope(command)


def _detail(session: Session, approval_id: UUID, now: datetime) -> dict[str, Any]:
    who = reader(session, now)
    row = seen(session, who, approval_id)
    activity = [dict(each._mapping) for each in queries.activity_of(session, approval_id)]
    return {**_wire(row, judged(session, who, [row])), "activity": activity}


def _wire(row: Any, refusals: Mapping[UUID, Refused | None]) -> dict[str, Any]:
    refused = refusals[row.id]
    return {**row._mapping, "may_decide": refused is None, "why_not": refused and refused.detail}


def _outcome(answer: Decided | Refused) -> dict[str, Any]:
    if isinstance(answer, Decided):
        return {"id": answer.id, "outcome": "decided", "status": answer.status, "version": answer.version}
    return {
        "id": answer.id, "outcome": "refused", "version": answer.version, "why": answer.why, "detail": answer.detail,
    }  # fmt: skip
