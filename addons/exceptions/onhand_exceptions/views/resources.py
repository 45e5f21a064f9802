"""REST: `/api/v1/exceptions`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_exceptions import queries, schemas, services
from onhand_exceptions.filtering import BadToken, Bound, Filter, parse
from onhand_exceptions.views.asking import as_wire, me, myself, reach, require_done, seen
from onhand_exceptions.views.wanted import Known, known_words

__all__ = ["exceptions_api"]

exceptions_api = Blueprint("exceptions_api", __name__, url_prefix="/exceptions", description="What is wrong, and whose")


@exceptions_api.route("")
class Exceptions(MethodView):
    """The inbox."""

    @requires("exceptions.read")
    @exceptions_api.arguments(schemas.ExceptionQuerySchema, location="query")
    @exceptions_api.response(200, schemas.ExceptionListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List exceptions: open ones severest and oldest first, resolved ones latest first.

        `q` is the filter text of the inbox, `kind:shortage age:>24h value:>500` say; the other filters narrow it further.
        """

        def command(session: Session, now: datetime) -> dict[str, Any]:
            known = known_words(session, now)
            asked = _filter(wanted, known)
            listed = partial(queries.listed, reach(), asked, now, known.digits)
            found = page(session, listed, queries.order(asked), wanted.get("cursor"), wanted["limit"])
            return {"items": [as_wire(row, now) for row in found["items"]], "next": found["next"]}

        return in_scope(command)


@exceptions_api.route("/<uuid:exception_id>")
class OneException(MethodView):
    """One exception."""

    @requires("exceptions.read")
    @exceptions_api.response(200, schemas.ExceptionDetailSchema)
    def get(self, exception_id: UUID) -> dict[str, Any]:
        """Return an exception with its evidence and what happened to it."""
        return in_scope(lambda session, now: _detail(session, exception_id, now))


@exceptions_api.route("/<uuid:exception_id>/assign", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.arguments(schemas.AssignSchema)
@exceptions_api.response(200, schemas.ExceptionDetailSchema)
def assign(asked: dict[str, Any], exception_id: UUID) -> dict[str, Any]:
    """Give an exception to a person, or to nobody. Asking twice changes nothing more."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, exception_id, "exceptions.work")
        wish = services.Assignment(exception_id, myself() if asked["owner"] == "me" else asked["owner"])
        require_done(services.assign(session, [wish], by=actor(), now=now)[0], "owner")
        return _detail(session, exception_id, now, "exceptions.work")

    return in_scope(command)


@exceptions_api.route("/<uuid:exception_id>/comment", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.arguments(schemas.CommentSchema)
@exceptions_api.response(200, schemas.ExceptionDetailSchema)
def comment(asked: dict[str, str], exception_id: UUID) -> dict[str, Any]:
    """Say something about an exception."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, exception_id, "exceptions.work")
        said = services.Comment(exception_id, asked["note"])
        require_done(services.comment(session, [said], by=actor(), now=now)[0], "note")
        return _detail(session, exception_id, now, "exceptions.work")

    return in_scope(command)


@exceptions_api.route("/<uuid:exception_id>/resolve", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.arguments(schemas.ResolveSchema)
@exceptions_api.response(200, schemas.ExceptionDetailSchema)
def resolve(asked: dict[str, str], exception_id: UUID) -> dict[str, Any]:
    """Resolve an exception for a reason; 409 when it is resolved already. Fresh evidence brings it back."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, exception_id, "exceptions.work")
        resolution = services.Resolution(exception_id, asked["reason"])
        require_done(services.resolve(session, [resolution], by=actor(), now=now)[0], "reason")
        return _detail(session, exception_id, now, "exceptions.work")

    return in_scope(command)


@exceptions_api.route("/<uuid:exception_id>/snooze", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.arguments(schemas.SnoozeSchema)
@exceptions_api.response(200, schemas.ExceptionDetailSchema)
def snooze(asked: dict[str, Any], exception_id: UUID) -> dict[str, Any]:
    """Put an exception to rest until a date, until it is worse, or until it was seen so many times more.

    While it rests it neither escalates nor waits for review. 409 when it is resolved already.
    """

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, exception_id, "exceptions.work")
        rest = services.Snooze(exception_id, asked["until"], asked.get("at"), asked.get("times"))
        field = {"date": "at", "count": "times"}.get(asked["until"], "until")
        require_done(services.snooze(session, [rest], by=actor(), now=now)[0], field)
        return _detail(session, exception_id, now, "exceptions.work")

    return in_scope(command)


@exceptions_api.route("/<uuid:exception_id>/wake", methods=["POST"])
@requires("exceptions.work")
@exceptions_api.response(200, schemas.ExceptionDetailSchema)
def wake(exception_id: UUID) -> dict[str, Any]:
    """Bring an exception that rests back into view; 409 when it is resolved already."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        seen(session, exception_id, "exceptions.work")
        require_done(services.snooze(session, [services.Snooze(exception_id, None)], by=actor(), now=now)[0], "until")
        return _detail(session, exception_id, now, "exceptions.work")

    return in_scope(command)


def _filter(wanted: dict[str, Any], known: Known) -> Filter:
    """Return what is asked for; Invalid, naming `q` and the token, for a filter text that cannot be meant."""
    hours, owner = wanted.get("older_than_hours"), wanted.get("owner")
    start = Filter(
        tab=wanted.get("tab") or wanted["status"],
        me=me(),
        kinds=_given(wanted.get("kind")),
        entities=_given(wanted.get("entity")),
        locations=_given(wanted.get("location")),
        items=_given(wanted.get("sku")),
        owners=() if owner is None else (_owner(owner),),
        bounds=() if hours is None else (Bound("age", ">=", Decimal(hours * 60)),),
    )
    try:
        return parse(wanted.get("q") or "", known.vocabulary, start)
    except BadToken as bad:
        raise problems.Invalid(str(bad), errors=[problems.field_error("q", bad.message, bad.token)]) from None


def _given(value: str | None) -> tuple[str, ...]:
    return () if value is None else (value,)


def _owner(asked: str) -> int:
    person = me()
    if asked == "me":
        return -1 if person is None else person
    return 0 if asked == "none" else int(asked)


def _detail(session: Session, exception_id: UUID, now: datetime, permission: str = "exceptions.read") -> dict[str, Any]:
    row = seen(session, exception_id, permission)
    return {
        **as_wire(row, now),
        "evidence": queries.evidence_of(session, exception_id),
        "activity": queries.activity_of(session, exception_id),
    }
