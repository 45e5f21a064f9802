"""Random use: requests that no one would think of, the same in every run, and the laws of the books after them."""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from msgspec.json import decode

from onhand.contributions import Invariant
from onhand.testing.contract.doors import UNSAFE, Route, of_samples
from onhand.testing.samples import Sample

__all__ = ["broken_laws", "use_faults"]

TEXTS = ("", "a", "SKU-1", "north", "☃ snow", "x" * 300, "=1+1", "2026-01-05", "2026-01-05T08:00:00Z", "%", "-")
NUMBERS = (-1, 0, 1, 2, 7, 10**6, 2**31, 2**63)
DEPTH_MAX = 4
ROUNDS = 2


def use_faults(
    app: Flask,
    routes: Sequence[Route],
    browser: FlaskClient,
    csrf: str,
    token: str,
    *,
    samples: Mapping[str, Sample],
    seed: int,
) -> Iterator[str]:
    """Ask every route with what chance gives it, as one who may do everything; yield requests that break something.

    First of the things that `samples` name, as the add-on's `testing` module makes them; then of things that are not there.
    """
    chance = random.Random(seed)  # noqa: S311 - chance that comes again is what is wanted
    described = decode(app.extensions["onhand_rest"].description)
    program = app.test_client()
    for turn in range(ROUNDS):
        asked = [of_samples(route, samples) for route in routes] if turn == 0 else routes
        for route in chance.sample(asked, len(asked)):
            body, headers = _body(route, described, chance), {"Authorization": f"Bearer {token}"}
            if not route.door.is_api:
                answer = route.ask(browser, csrf=csrf, **({"data": _form(chance)} if route.method in UNSAFE else {}))
            elif body is None:
                answer = route.ask(program, headers={**headers, "Idempotency-Key": f"use-{turn}"})
            else:
                answer = route.ask(program, json=body, headers={**headers, "Idempotency-Key": f"use-{turn}"})
            if answer.status_code >= 500:
                yield f"{route} answers {answer.status_code} to {body!r:.200}"


def _body(route: Route, described: Mapping[str, Any], chance: random.Random) -> Any:
    paths = described.get("paths", {})
    said = paths.get(re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", route.rule), {}).get(route.method.lower(), {})
    content = said.get("requestBody", {}).get("content", {}).get("application/json")
    return _made(content.get("schema", {}), described, chance, 0) if content else None


def _made(schema: Mapping[str, Any], described: Mapping[str, Any], chance: random.Random, depth: int) -> Any:
    """Return a value that a schema mostly takes: of the right kind, its size and what it names left to chance."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _made(chance.choice(schema[several]), described, chance, depth)
    if "enum" in schema:
        return chance.choice(schema["enum"])
    kind = schema.get("type", "object")
    kind = chance.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        required = set(schema.get("required", ()))
        members = schema.get("properties", {}).items() if depth < DEPTH_MAX else ()
        return {name: _made(inner, described, chance, depth + 1) for name, inner in members
                if name in required or chance.random() < 0.5}  # fmt: skip
    if kind == "array":
        return [_made(schema.get("items", {}), described, chance, depth + 1) for _ in range(chance.choice((0, 1, 3)))]
    if kind == "integer":
        return chance.choice(NUMBERS)
    return {"number": 0.5, "boolean": chance.random() < 0.5, "null": None}.get(str(kind), chance.choice(TEXTS))


def _form(chance: random.Random) -> dict[str, str]:
    fields = ("name", "code", "reason", "note", "comment", "quantity", "value", "q")
    return {name: chance.choice((*TEXTS, "1", "-1")) for name in chance.sample(fields, 5)}


def broken_laws(invariants: Iterable[Invariant], ask: Callable[[str], list[tuple[Any, ...]]]) -> Iterator[str]:
    """Yield laws of the books that do not hold, each with a row that breaks it."""
    for law in invariants:
        rows = ask(law.sql)
        if rows:
            yield f"{law.code} {law.name}: {law.explains} {len(rows)} rows break it, first {rows[0]!r:.300}"
