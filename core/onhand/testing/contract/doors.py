"""Doors: every route of an add-on, tried by everyone who must not pass."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from onhand.access.doors import Door, doors_of
from onhand.testing.people import csrf_token
from onhand.testing.samples import Sample

__all__ = ["UNSAFE", "Route", "disabled_faults", "of_samples", "refused_faults", "routes_of"]

SAMPLES = {"IntegerConverter": "1", "UUIDConverter": "00000000-0000-7000-8000-000000000000", "FloatConverter": "1.0"}
VARIABLE = re.compile(r"<(?:[a-z_]+(?:\([^)]*\))?:)?(?P<name>\w+)>")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
DISABLED = "is not enabled here"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one address, with sample values in place of its variables."""

    method: str
    rule: str
    path: str
    endpoint: str
    door: Door
    names_a_thing: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def ask(self, client: FlaskClient, **request: Any) -> TestResponse:
        """Ask with an empty body; a browser sends the token of its forms along."""
        csrf = request.pop("csrf", "")
        headers = {"Idempotency-Key": "contract", **request.pop("headers", {})}
        if self.method in UNSAFE and self.door.is_api:
            request.setdefault("json", {})
        elif self.method in UNSAFE:
            headers["X-CSRFToken"] = csrf
        return client.open(self.path, method=self.method, headers=headers, **request)


def routes_of(app: Flask, noun: str) -> list[Route]:
    """Return the routes that an add-on contributes, but for its static files."""
    doors = doors_of(app)
    return [
        Route(method, rule.rule, _sample(app, rule), rule.endpoint, doors[rule.endpoint, method], bool(rule.arguments))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if (rule.endpoint, method) in doors
        and doors[rule.endpoint, method].addon == noun
        and not rule.endpoint.endswith(".static")
    ]


def of_samples(route: Route, samples: Mapping[str, Sample]) -> Route:
    """Return the route with samples in its address, or as it is where one is missing: see `onhand.testing.samples`."""
    values = []
    for match in VARIABLE.finditer(route.rule):
        before = [part for part in route.rule[: match.start()].split("/") if part and not part.startswith("<")]
        values.append(samples.get(f"{before[-1] if before else ''}/{match['name']}"))
    query = samples.get(f"?{route.rule}")
    found = [sample.value for sample in values if sample]
    if len(found) < len(values):
        return route
    path = VARIABLE.sub(lambda _: quote(found.pop(0)), route.rule)
    return replace(route, path=f"{path}?{query.value}" if query else path)


def _sample(app: Flask, rule: Rule) -> str:
    values = {}
    for name, converter in rule._converters.items():  # werkzeug has no public way to ask
        choices = sorted(getattr(converter, "items", ()))
        values[name] = choices[0] if choices else SAMPLES.get(type(converter).__name__, "x")
    with app.test_request_context():
        return str(
            app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter(rule.methods or ["GET"])))
        )


def refused_faults(app: Flask, routes: Collection[Route], powerless: FlaskClient, token: str) -> list[str]:
    """Return routes that let anyone in: nobody, a person without roles (`powerless`), a token without permissions."""
    return list(_refused_faults(app, routes, powerless, token))


def _refused_faults(app: Flask, routes: Collection[Route], powerless: FlaskClient, token: str) -> Iterator[str]:
    csrf = csrf_token(powerless, "/")
    for route in routes:
        if route.door.permission is None:
            continue
        nobody = app.test_client()
        answer = route.ask(nobody, csrf="" if route.door.is_api else csrf_token(nobody, "/login"))
        welcome = (401,) if route.door.is_api else (303,)
        if answer.status_code not in welcome or (not route.door.is_api and "/login" not in answer.location):
            yield f"{route} answers {answer.status_code} to nobody"
        if route.door.is_api:
            answer = route.ask(app.test_client(), headers={"Authorization": f"Bearer {token}"})
        else:
            answer = route.ask(powerless, csrf=csrf)
        if answer.status_code != 403:
            yield f"{route} answers {answer.status_code} to one without permission"


def disabled_faults(
    app: Flask,
    routes: Collection[Route],
    administrators: tuple[FlaskClient, FlaskClient],
    tokens: tuple[str, str],
) -> list[str]:
    """Return routes that work for the entity where the add-on is off, or not for the one where it is on.

    Both are asked by those who may do everything in their own entity: first where it is on, then where it is off.
    """
    faults: list[str] = []
    for route in routes:
        if route.door.permission is None:
            continue
        on, off = (
            route.ask(app.test_client(), headers={"Authorization": f"Bearer {token}"})
            if route.door.is_api
            else route.ask(browser, csrf=csrf_token(browser, "/"))
            for browser, token in zip(administrators, tokens, strict=True)
        )
        if not _works(route, on):
            faults.append(f"{route} answers {on.status_code} where the add-on is on")
        if not _is_off(route, off):
            faults.append(f"{route} answers {off.status_code} where the add-on is off")
    return faults


def _works(route: Route, answer: TestResponse) -> bool:
    """Return whether an answer may come from a route that is on.

    Of pages with variables in their address 404 proves nothing: with sample values there is nothing at them anyway.
    Programs are told whether it is the thing or the add-on that is missing.
    """
    if answer.status_code in {401, 403} or answer.status_code >= 500:
        return False
    if answer.status_code == 404:
        return route.names_a_thing and not (route.door.is_api and DISABLED in answer.text)
    return True


def _is_off(route: Route, answer: TestResponse) -> bool:
    return answer.status_code == 404 and (not route.door.is_api or DISABLED in answer.text)
