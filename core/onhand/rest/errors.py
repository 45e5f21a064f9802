"""Whatever goes wrong becomes a problem: as JSON under `/api/`, as a page elsewhere."""

import contextlib

import psycopg
import structlog
from flask import Flask, Response, current_app, g, request
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as WSGIResponse

from onhand import problems
from onhand.addons.boundary import Failure, failure_of
from onhand.problems import Problem
from onhand.transaction import context, run

__all__ = ["as_problem", "init_app", "problem_of", "respond"]

BY_STATUS: dict[int, type[Problem]] = {
    kind.status: kind
    for kind in (
        problems.Malformed,
        problems.Unauthenticated,
        problems.Forbidden,
        problems.NotFound,
        problems.MethodRefused,
        problems.Conflict,
        problems.TooLarge,
        problems.WrongMedia,
        problems.Invalid,
        problems.TooMany,
        problems.Unavailable,
    )
}
KEPT_HEADERS = ("Allow", "Retry-After")
UNREAD_BYTES_MAX = 64 * 1024 * 1024


def init_app(app: Flask) -> None:
    """Answer every error with a problem."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RecursionError, lambda error: respond(problem_of(error)))
    for kind in (DBAPIError, psycopg.Error, PoolTimeout):
        app.register_error_handler(kind, _database_error)


def respond(problem: Problem) -> Response:
    """Return a problem in the form that the address speaks."""
    if problem.status == problems.TooLarge.status:
        _read_the_rest()
    if request.path.startswith("/api/"):
        response = Response(problem.body(), problem.status, content_type="application/problem+json")
    else:
        from onhand.web.errors import error_page  # pages know access, which knows problems

        response = error_page(problem, g.get("request_id"))
    response.headers.update(problem.headers)
    return response


def as_problem(error: HTTPException) -> Problem:
    """Return the problem that an HTTP error means."""
    status = error.code or 500
    headers = dict(error.get_headers())
    kept = {name: headers[name] for name in KEPT_HEADERS if name in headers}
    kind = BY_STATUS.get(status)
    if kind is None:
        if status >= 500:
            return problems.Unexpected("it is in our logs under this request id", request_id=g.get("request_id"))
        problem: Problem = problems.Declined(status, error.name, error.description or "")
    else:
        errors = _field_errors(getattr(error, "data", None) or {})
        unreadable = [given for given in errors if given["field"] == "body"]
        problem = problems.Malformed(unreadable[0]["message"]) if unreadable else kind(_detail(error), errors=errors)
    problem.headers |= kept
    return problem


def _http_error(error: HTTPException) -> WSGIResponse:
    if isinstance(error.response, WSGIResponse):
        return error.response
    if failure := failure_of(getattr(error, "original_exception", None)):
        return respond(_failed(failure))
    return respond(_not_loaded() or as_problem(error))


def _not_loaded() -> Problem | None:
    """Return the problem of an address of the API that nobody knows while add-ons are missing: it may be one of theirs.

    A sender that is told 404 gives up what it had to say.
    """
    if not isinstance(request.routing_exception, NotFound) or not request.path.startswith("/api/"):
        return None
    addons = current_app.extensions["onhand"]
    if not addons.may_miss_some and not current_app.extensions["onhand_settings"].safe_mode:
        return None
    absent = run(lambda session, now: context(session).addons.absent(now), entities=())
    if not absent:
        return None
    told = f"nobody answers here while these add-ons do not run: {', '.join(absent)}"
    return problems.Unavailable(told, retry_after=60)


def _detail(error: HTTPException) -> str:
    return "" if hasattr(error, "data") else (error.description or "")


def _field_errors(data: dict[str, object]) -> list[problems.FieldError]:
    """Flatten what marshmallow says per place and field into paths: `lines[2].quantity`."""
    messages = data.get("messages")
    if not isinstance(messages, dict):
        return []
    return [error for place in messages.values() for error in _flatten("", place)]


def _flatten(path: str, messages: object) -> list[problems.FieldError]:
    if isinstance(messages, dict):
        return [
            error
            for name, inner in messages.items()
            for error in _flatten(path if name == "_schema" else _join(path, name), inner)
        ]
    texts = messages if isinstance(messages, list) else [messages]
    return [problems.field_error(path or "body", str(text)) for text in texts]


def _join(path: str, name: object) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else str(name)


def problem_of(error: Exception) -> Problem:
    """Return the problem that any error means; Unexpected for a fault of ours."""
    if failure := failure_of(error):
        return _failed(failure)
    cause = error.orig if isinstance(error, DBAPIError) else error
    match cause:
        case Problem():
            return cause
        case HTTPException():
            return as_problem(cause)
        case RecursionError():
            return problems.Malformed("the body is nested too deeply")
        case PoolTimeout():
            return problems.Unavailable("every database connection is busy")
        case pg.UniqueViolation() | pg.ForeignKeyViolation() | pg.ExclusionViolation():
            return problems.Conflict("it exists already, or something it names does not")
        case pg.DataError():
            return problems.Invalid("a value does not fit where it is kept")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            structlog.get_logger().warning("database.unavailable", error=type(cause).__name__)
            return problems.Unavailable("the database does not answer in time")
    return problems.Unexpected("it is in our logs under this request id", request_id=g.get("request_id"))


def _failed(failure: Failure) -> Problem:
    if failure.is_cut:
        return problems.AddonTooSlow(f"{failure}; nothing was changed", addon=failure.noun)
    structlog.get_logger().error("addon_failed", addon=failure.noun, hook=failure.hook, error=failure.error)
    what = (
        f"the add-on {failure.noun!r} failed in {failure.hook}; nothing was changed. An administrator can switch it off"
    )
    return problems.AddonFailed(what, addon=failure.noun, request_id=g.get("request_id"))


def _database_error(error: Exception) -> Response:
    problem = problem_of(error)
    if isinstance(problem, problems.Unexpected):
        raise error
    return respond(problem)


def _read_the_rest() -> None:
    """Read a refused body to its end, within bounds, or the sender sees a reset connection in place of the answer."""
    stream, left = request.environ.get("wsgi.input"), UNREAD_BYTES_MAX
    with contextlib.suppress(Exception):
        while stream is not None and left > 0 and (chunk := stream.read(min(left, 65_536))):
            left -= len(chunk)
