"""REST: `/api/v1/reasons`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.reasons import schemas, services
from onhand.reasons.models import ReasonCode
from onhand.reasons.views.asking import listed, problem_of, require_editor, seen
from onhand.rest import page

__all__ = ["reasons_api"]

reasons_api = Blueprint("reasons_api", __name__, url_prefix="/reasons", description="Why stock is changed")


@reasons_api.route("")
class Reasons(MethodView):
    """The vocabulary."""

    @requires("reasons.read")
    @reasons_api.arguments(schemas.ReasonQuerySchema, location="query")
    @reasons_api.response(200, schemas.ReasonListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List the reason codes in use, or with `retired` those no longer, by code."""
        select = listed(kind=wanted.get("kind"), retired=wanted["retired"])

        def command(session: Session, _: datetime) -> dict[str, Any]:
            found = page(session, select, (ReasonCode.code.asc(),), wanted.get("cursor"), wanted["limit"])
            return {"items": [dict(row._mapping) for row in found["items"]], "next": found["next"]}

        return in_scope(command)

    @requires("reasons.edit")
    @reasons_api.arguments(schemas.NewReasonSchema)
    @reasons_api.response(201, schemas.ReasonSchema)
    def post(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Add a reason code."""

        def command(session: Session, now: datetime) -> ReasonCode:
            require_editor(None)
            if session.get(ReasonCode, asked["code"]) is not None:
                raise problems.Conflict(f"there is a reason code {asked['code']!r} already")
            draft = services.ReasonDraft(**{**asked, "kinds": tuple(asked["kinds"])})
            return services.save(session, [draft], by=actor(), now=now)[0]

        return _done(command)


@reasons_api.route("/<code>")
class OneReason(MethodView):
    """One reason code."""

    @requires("reasons.read")
    @reasons_api.response(200, schemas.ReasonSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return a reason code, in use or retired."""
        return _done(lambda session, _: seen(session, code))

    @requires("reasons.edit")
    @reasons_api.arguments(schemas.ReasonChangeSchema)
    @reasons_api.response(200, schemas.ReasonSchema)
    def put(self, asked: dict[str, Any], code: str) -> dict[str, Any]:
        """Change the version one saw; the code itself stays."""

        def command(session: Session, now: datetime) -> ReasonCode:
            require_editor(seen(session, code))
            draft = services.ReasonDraft(code, **{**asked, "kinds": tuple(asked["kinds"])})
            return services.save(session, [draft], by=actor(), now=now)[0]

        return _done(command)


@reasons_api.route("/<code>/retire", methods=["POST"])
@requires("reasons.edit")
@reasons_api.arguments(schemas.ReasonRetirementSchema)
@reasons_api.response(200, schemas.ReasonSchema)
def retire(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Retire a code: nobody may give it any more, and what waits with it is refused. Twice changes nothing more."""

    def command(session: Session, now: datetime) -> ReasonCode:
        require_editor(seen(session, code))
        return services.retire(session, [code], by=actor(), now=now, reason=asked["reason"])[0]

    return _done(command)


@reasons_api.route("/<code>/reinstate", methods=["POST"])
@requires("reasons.edit")
@reasons_api.arguments(schemas.ReasonRetirementSchema)
@reasons_api.response(200, schemas.ReasonSchema)
def reinstate(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Let a retired code be given again. Twice changes nothing more."""

    def command(session: Session, now: datetime) -> ReasonCode:
        require_editor(seen(session, code))
        return services.reinstate(session, [code], by=actor(), now=now, reason=asked["reason"])[0]

    return _done(command)


def _done(command: Callable[[Session, datetime], ReasonCode]) -> dict[str, Any]:
    """Run a command and return its reason code as the wire has it."""

    def read(session: Session, now: datetime) -> dict[str, Any]:
        row = command(session, now)
        return {column.key: getattr(row, column.key) for column in row.__table__.columns}

    try:
        return in_scope(read)
    except services.ReasonRefused as refused:
        raise problem_of(refused) from None
