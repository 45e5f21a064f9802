"""REST: `/api/v1/policies`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import request
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, in_scope, requires, scope
from onhand.contributions import PolicyType
from onhand.policies import schemas
from onhand.policies.changes import cancellation, rollback, taking_back
from onhand.policies.chronicle import HISTORY_ORDER, told_of, versions_listed
from onhand.policies.documents import fact_of, kind_document, tried_document, why_document
from onhand.policies.explaining import why
from onhand.policies.places import part_names, where_of
from onhand.policies.profiles import profile_changes, profile_diff, profiles
from onhand.policies.proposing import Proposed, propose
from onhand.policies.services import PolicyChange, PolicyRefused, checked_change
from onhand.policies.views.asking import demand_may_set, known_type, problem_of
from onhand.policies.views.trying import tried_on
from onhand.rehearsal import rehearse
from onhand.rest import page
from onhand.transaction import context

__all__ = ["policies_api"]

T = TypeVar("T")

policies_api = Blueprint("policies_api", __name__, url_prefix="/policies", description="Business rules")


@policies_api.route("")
class Policies(MethodView):
    """What policies there are."""

    @requires("policies.read")
    @policies_api.response(200, schemas.PolicyListSchema)
    def get(self) -> dict[str, Any]:
        """List the policies that installed add-ons read."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            found = context(session).addons.gather_by_addon("policies")
            return {"items": [kind_document(noun, kind) for noun, kinds in found for kind in kinds]}

        return in_scope(command)


@policies_api.route("/<name>/why")
class WhyThisValue(MethodView):
    """The value of a policy at a place, and why."""

    @requires("policies.read")
    @policies_api.arguments(schemas.PolicyWhyQuerySchema, location="query")
    @policies_api.response(200, schemas.PolicyWhySchema)
    def get(self, wanted: dict[str, Any], name: str) -> dict[str, Any]:
        """Return the value in force, the version that decided it, and what that overrode."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            kind = known_type(session, name)
            where = where_of(session, {part: wanted.get(part) for part in part_names()}, name)
            if where.entity_id is not None and where.entity_id not in scope():
                raise PolicyRefused("there is no such entity here", policy=name, field="scope.entity")
            facts = _facts(kind)
            return why_document(why(session, name, where, at=wanted.get("at") or now, facts=facts))

        return _run(command)


@policies_api.route("/<name>/versions")
class Versions(MethodView):
    """The versions of a policy."""

    @requires("policies.read")
    @policies_api.arguments(schemas.PolicyHistoryQuerySchema, location="query")
    @policies_api.response(200, schemas.PolicyHistorySchema)
    def get(self, wanted: dict[str, Any], name: str) -> dict[str, Any]:
        """List the versions of the group and of the token's entities, newest effect first."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            known_type(session, name)
            found = page(session, versions_listed(name, scope()), HISTORY_ORDER, wanted.get("cursor"), wanted["limit"])
            versions = [row[0] for row in found["items"]]
            return {"items": told_of(session, name, versions, now=now), "next": found["next"]}

        return _run(command)

    @requires("policies.edit")
    @policies_api.arguments(schemas.PolicyVersionSchema)
    @policies_api.response(200, schemas.PolicyChangedSchema)
    def post(self, given: dict[str, Any], name: str) -> dict[str, Any]:
        """Set a value for a place, from now or a later moment on: at once, or when those the rules name have agreed."""

        def make(session: Session, now: datetime) -> PolicyChange:
            known_type(session, name)
            where = where_of(session, given["place"], name)
            change = PolicyChange(
                name, given["value"], where, given.get("effective_from"), given.get("condition"), given.get("replaces")
            )
            return checked_change(session, change, now=now)

        return _change(make, given.get("reason"), dry_run=given["dry_run"])


@policies_api.route("/<name>/rollback", methods=["POST"])
@requires("policies.edit")
@policies_api.arguments(schemas.PolicyOneVersionSchema)
@policies_api.response(200, schemas.PolicyChangedSchema)
def post_rollback(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Set again what an older version said, from now on, as a new version."""

    def make(session: Session, _: datetime) -> PolicyChange:
        return rollback(session, name, given["version"])

    return _change(make, given.get("reason") or f"back to version {given['version']}", dry_run=given["dry_run"])


@policies_api.route("/<name>/undo", methods=["POST"])
@requires("policies.edit")
@policies_api.arguments(schemas.PolicyOneVersionSchema)
@policies_api.response(200, schemas.PolicyChangedSchema)
def post_undo(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Take back the version in force: what was said at its place before it holds again, or nothing where nothing was."""

    def make(session: Session, now: datetime) -> PolicyChange:
        return taking_back(session, name, given["version"], now=now)

    return _change(make, given.get("reason") or f"version {given['version']} taken back", dry_run=given["dry_run"])


@policies_api.route("/<name>/cancel", methods=["POST"])
@requires("policies.edit")
@policies_api.arguments(schemas.PolicyOneVersionSchema)
@policies_api.response(200, schemas.PolicyChangedSchema)
def post_cancel(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Cancel a version that is still to come."""

    def make(session: Session, now: datetime) -> PolicyChange:
        return cancellation(session, name, given["version"], now=now)

    return _change(make, given.get("reason"), dry_run=given["dry_run"])


@policies_api.route("/<name>/backtest", methods=["POST"])
@requires("policies.read")
@policies_api.arguments(schemas.PolicyBacktestSchema)
@policies_api.response(200, schemas.PolicyBacktestListSchema)
def post_backtest(given: dict[str, Any], name: str) -> dict[str, Any]:
    """Replay recorded decisions through a draft: what would have been decided differently. Changes nothing."""

    def make(session: Session, now: datetime) -> PolicyChange:
        known_type(session, name)
        where = where_of(session, given["place"], name)
        return checked_change(
            session, PolicyChange(name, given["value"], where, condition=given.get("condition")), now=now
        )

    tried, cut = tried_on([_run(make)], given["days"])
    if cut is not None:
        raise problems.Unavailable(cut)
    return {"days": given["days"], "tests": [tried_document(each) for each in tried]}


@policies_api.route("/profiles")
class Profiles(MethodView):
    """Starting points by kind of retailer."""

    @requires("policies.read")
    @policies_api.response(200, schemas.PolicyProfileListSchema)
    def get(self) -> dict[str, Any]:
        """List the profiles with their values."""
        return in_scope(lambda session, _: {"items": list(profiles(session).values())})


@policies_api.route("/profiles/<profile>")
class OneProfile(MethodView):
    """One profile."""

    @requires("policies.read")
    @policies_api.arguments(schemas.PolicyProfileQuerySchema, location="query")
    @policies_api.response(200, schemas.PolicyProfileDiffSchema)
    def get(self, wanted: dict[str, str], profile: str) -> dict[str, Any]:
        """Return what a profile would change in an entity."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            diff = profile_diff(session, profile, _entity(session, wanted["entity"]), now=now)
            lines = [
                {"policy": one.kind.name, "before": one.before, "after": one.after, "differs": one.differs}
                for one in diff.lines
            ]
            skipped = [{"policy": policy, "because": because} for policy, because in diff.skipped]
            return {"profile": profile, "lines": lines, "skipped": skipped}

        return _run(command)

    @requires("policies.edit")
    @policies_api.arguments(schemas.PolicyApplyProfileSchema)
    @policies_api.response(200, schemas.PolicyAppliedProfileSchema)
    def post(self, given: dict[str, str], profile: str) -> dict[str, Any]:
        """Bring an entity to a profile, as one change; only what differs is set."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            entity_id = _entity(session, given["entity"])
            diff = profile_diff(session, profile, entity_id, now=now)
            changes = profile_changes(diff, entity_id)
            for change in changes:
                demand_may_set(change.where)
            if not changes:
                return _answer("set", None)
            reason, title = given.get("reason") or f"profile {diff.profile.label}", f"Profile {diff.profile.label}"
            return _answer("set", propose(session, changes, by=actor(), now=now, reason=reason, title=title))

        return _run(command)


def _run(command: Callable[[Session, datetime], T]) -> T:
    try:
        return in_scope(command)
    except PolicyRefused as refused:
        raise problem_of(refused) from None


def _change(
    make: Callable[[Session, datetime], PolicyChange], reason: str | None, *, dry_run: bool
) -> dict[str, Any]:  # fmt: skip
    def command(session: Session, now: datetime) -> Proposed:
        change = make(session, now)
        demand_may_set(change.where)
        return propose(session, [change], by=actor(), now=now, reason=reason)

    done = rehearse(_run, command, dry_run=dry_run)
    return _answer("dry_run", None) if dry_run else _answer("set", done)


def _answer(status: str, done: Proposed | None) -> dict[str, Any]:
    if done is None:
        return {"status": status, "versions": [], "approval": None, "waiting_for": []}
    return {
        "status": "waiting" if done.is_waiting else status,
        "versions": done.versions,
        "approval": done.approval,
        "waiting_for": done.roles,
    }


def _facts(kind: PolicyType) -> dict[str, Any] | None:
    """Read the parameters that are named as the policy's variables; Invalid for any other."""
    known = {each.name: each.type for each in kind.variables}
    left = {name: value for name, value in request.args.items() if name not in ("at", *part_names())}
    if unknown := sorted(left.keys() - known.keys()):
        raise problems.Invalid(errors=[problems.field_error(name, "no such parameter") for name in unknown])
    return {name: fact_of(known[name], value) for name, value in left.items()} or None


def _entity(session: Session, code: str) -> int:
    where = where_of(session, {"entity": code})
    if where.entity_id is None or where.entity_id not in scope():
        raise PolicyRefused(f"there is no entity {code!r} here", field="entity")
    return where.entity_id
