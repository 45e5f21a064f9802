"""Hot doors in the API's description: plain views, described by hand or from the types they decode."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from flask import Flask
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin

__all__ = ["describe", "document"]

V = TypeVar("V", bound=Callable[..., Any])
Operations = dict[str, dict[str, Any]]
REF = "#/components/schemas/{name}"


def document(view: V, path: str, operations: Operations) -> V:
    """Describe a plain view in OpenAPI: `{"post": {"summary": …, "requestBody": …, "responses": …}}`.

    `path` is as OpenAPI writes it, `/api/v1/reservations/{id}`; its parameters are described by themselves. Wherever a schema stands, a msgspec type may stand too.
    """
    described = getattr(view, "onhand_document", ())
    view.onhand_document = (*described, (path, operations))  # type: ignore[attr-defined]  # marked for us
    return view


def describe(app: Flask, api: Api) -> None:
    """Add every documented view of the application to the description, with the schemas of its types."""
    documents = [entry for view in app.view_functions.values() for entry in getattr(view, "onhand_document", ())]
    types = list({id(found): found for _, operations in documents for found in _types(operations)}.values())
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    for name, schema in components.items():
        if name not in api.spec.components.schemas:
            api.spec.components.schema(name, schema)
    rules = {FlaskPlugin.flaskpath2openapi(rule.rule): rule for rule in app.url_map.iter_rules()}
    for path, operations in documents:
        if path not in rules:
            raise LookupError(f"{path} is described, but nothing is mounted there")
        api.spec.path(rule=rules[path], operations=_resolved(operations, by_type))


def _types(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        for key, inner in node.items():
            if key == "schema" and not isinstance(inner, dict):
                yield inner
            else:
                yield from _types(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _types(inner)


def _resolved(node: Any, by_type: dict[int, Any]) -> Any:
    if isinstance(node, dict):
        return {
            key: by_type[id(inner)] if key == "schema" and not isinstance(inner, dict) else _resolved(inner, by_type)
            for key, inner in node.items()
        }
    return [_resolved(inner, by_type) for inner in node] if isinstance(node, list) else node
