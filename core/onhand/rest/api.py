"""The REST API and its description, OpenAPI 3.1 at `/api/v1/openapi.json`."""

from functools import cached_property
from http import HTTPStatus
from typing import Any

import flask_smorest
import marshmallow
from flask import Blueprint, Flask, Response, jsonify
from flask_smorest.spec.plugins import FlaskPlugin
from marshmallow import fields as ma
from msgspec.json import encode

from onhand import __version__, problems
from onhand.access import public
from onhand.access.doors import API_PREFIX, PUBLIC
from onhand.access.state import access
from onhand.rest import documents, errors, fields

__all__ = ["PREFIX", "Api", "init_app", "mount", "problem_pages"]

EXTENSION = "onhand_rest"
PREFIX = f"{API_PREFIX}v1"
DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base"

problem_pages = Blueprint("problems", __name__, url_prefix="/problems")


class FieldErrorSchema(marshmallow.Schema):
    """One field at fault."""

    field = ma.String(required=True)
    message = ma.String(required=True)
    value = ma.String()


class ProblemSchema(marshmallow.Schema):
    """A problem document (RFC 9457)."""

    type = ma.String(required=True)
    title = ma.String(required=True)
    status = ma.Integer(required=True)
    detail = ma.String()
    errors = ma.List(ma.Nested(FieldErrorSchema))


class Api(flask_smorest.Api):  # type: ignore[misc]  # the library has no types
    """flask-smorest with problems for errors and one description for resources and hot doors alike."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Leave errors to `rest.errors`, which also speaks HTML."""

    def _register_responses(self) -> None:
        """Describe every failure as a problem, which is what `rest.errors` answers."""
        for status in HTTPStatus:
            response: dict[str, Any] = {"description": status.phrase}
            if status >= 400:
                response["content"] = {"application/problem+json": {"schema": ProblemSchema}}
            self.spec.components.response(status.name, response, lazy=True)
        content = {"application/problem+json": {"schema": ProblemSchema}}
        self.spec.components.response(
            self.DEFAULT_ERROR_RESPONSE_NAME, {"description": "A problem", "content": content}, lazy=True
        )

    @public
    def _openapi_json(self) -> Response:
        """The description of this API, the same for everyone."""
        return Response(self.description, content_type="application/json")

    @cached_property
    def description(self) -> bytes:
        """The description as JSON, put together when first asked for: by then everything is mounted."""
        documents.describe(self._app, self)
        described = self.spec.to_dict()
        for path, operations in described["paths"].items():
            _add_permissions(self._app, path, operations)
        return encode(described)


def init_app(app: Flask) -> None:
    """Set up errors, the API's description and the pages that explain problem types."""
    errors.init_app(app)
    app.config.update(
        API_TITLE="Onhand",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        API_SPEC_OPTIONS={
            "info": {"version": __version__, "description": "One ledger, one promise, every exception owned."},
            "jsonSchemaDialect": DIALECT,
            "security": [{"bearer": []}],
        },
    )
    api = Api(app)
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    api.register_field(fields.Moment, "string", "date-time")
    app.extensions[EXTENSION] = api
    app.register_blueprint(problem_pages)


def mount(app: Flask, resource: flask_smorest.Blueprint) -> None:
    """Mount REST resources under `/api/v1` and describe them."""
    prefix = PREFIX + (resource.url_prefix or "")
    app.extensions[EXTENSION].register_blueprint(resource, url_prefix=prefix)


@problem_pages.get("/<slug>")
@public
def explain(slug: str) -> Response:
    """Say what a problem type means: where the `type` of a problem leads."""
    kind = problems.catalogue().get(slug)
    if kind is None:
        raise problems.NotFound(f"there is no problem type {slug!r}")
    return jsonify(type=f"/problems/{slug}", title=kind.title, status=kind.status, meaning=kind.__doc__)


def _add_permissions(app: Flask, path: str, operations: dict[str, Any]) -> None:
    """Write into each operation which permission it needs."""
    with app.app_context():
        doors = access().doors or {}
    by_rule = {
        (_as_openapi(rule.rule), method): doors.get((rule.endpoint, method))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for method, operation in operations.items():
        door = by_rule.get((path, method.upper()))
        if door is not None and isinstance(operation, dict):
            operation.setdefault("x-permission", door.permission or PUBLIC)
            if door.permission is None:
                operation["security"] = []


def _as_openapi(rule: str) -> str:
    path: str = FlaskPlugin.flaskpath2openapi(rule)
    return path
