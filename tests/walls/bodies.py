"""Bodies for requests, made from the application's own description: the least that a schema takes."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Flask
from onhand.rest.api import EXTENSION

from walls.matrix import VARIABLE

__all__ = ["Bodies"]

DEPTH_MAX = 6


class Bodies:
    """What each operation of the API takes and answers, by method and rule."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self._document: dict[str, Any] = json.loads(app.extensions[EXTENSION].description)

    def asked(self, method: str, rule: str) -> dict[str, Any] | None:
        """Return the schema of a JSON body, or None for an operation that takes none."""
        operation = self._operation(method, rule)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return self._schema(content["schema"]) if content else None

    def answered(self, method: str, rule: str) -> dict[str, Any]:
        """Return the properties of what is answered on success."""
        for status, response in self._operation(method, rule).get("responses", {}).items():
            content = response.get("content", {}).get("application/json") if status.startswith("2") else None
            if content:
                return dict(self._schema(content["schema"]).get("properties", {}))
        return {}

    def least(self, schema: dict[str, Any], names: Mapping[str, str], name: str = "", depth: int = 0) -> Any:
        """Return the least value that a schema takes, as far as it says; `names` gives texts by their property."""
        schema = self._schema(schema)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
        if kind == "object":
            wanted = [] if depth > DEPTH_MAX else schema.get("required", [])
            return {name: self.least(schema["properties"][name], names, name, depth + 1) for name in wanted}
        if kind == "array":
            return [self.least(schema["items"], names, name, depth + 1)] * max(schema.get("minItems", 0), 1)
        if kind == "string":
            form = {
                "date-time": "2026-01-05T08:00:00+00:00",
                "date": "2026-01-05",
                "uuid": "0199d2a4-7c3f-7000-8000-00000000dead",
            }
            return form.get(schema.get("format", ""), names.get(name, "sample"))
        return {"integer": max(1, schema.get("minimum", 1)), "number": 1, "boolean": True}.get(kind)

    def _operation(self, method: str, rule: str) -> dict[str, Any]:
        found: dict[str, Any] = (
            self._document["paths"].get(VARIABLE.sub(r"{\g<name>}", rule), {}).get(method.lower(), {})
        )
        return found

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for alternatives in (schema.get("anyOf"), schema.get("oneOf"), schema.get("allOf")):
            if alternatives:
                return self._schema(next(one for one in alternatives if one.get("type") != "null"))
        return schema
