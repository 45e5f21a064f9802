"""Entities, people and programs, as tests make them: through the real verbs and the real doors."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from onhand.access.passwords import hasher
from onhand.access.services import NewUser, RoleAt, create_users
from onhand.access.tokens import TokenRequest, issue
from onhand.actors import Actor

__all__ = ["PASSWORD", "TESTER", "ApiClient", "Entity", "Person", "csrf_token", "make_person", "make_token", "sign_in"]

PASSWORD = "correct horse battery staple"  # noqa: S105 - no secret: tests alone use it
TESTER = Actor.system("test")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity that a test works in."""

    id: int
    code: str
    name: str

    def __index__(self) -> int:
        return self.id


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who can sign in, with PASSWORD."""

    id: int
    username: str
    name: str

    @property
    def actor(self) -> Actor:
        """What verbs know of this person."""
        return Actor("user", self.id, self.name, self.id)


class ApiClient:
    """A program that calls the API with its token; answers are werkzeug's, `.json` and all."""

    def __init__(self, app: Flask, secret: str | None) -> None:
        self.client: FlaskClient = app.test_client()
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def open(self, path: str, **request: Any) -> TestResponse:
        """Send a request, as `FlaskClient.open` takes it."""
        request["headers"] = {**self.headers, **dict(request.get("headers") or {})}
        return self.client.open(path, **request)

    def get(self, path: str, **request: Any) -> TestResponse:
        """Send a GET."""
        return self.open(path, method="GET", **request)

    def post(self, path: str, **request: Any) -> TestResponse:
        """Send a POST, its body as `json=` or `data=`."""
        return self.open(path, method="POST", **request)

    def put(self, path: str, **request: Any) -> TestResponse:
        """Send a PUT."""
        return self.open(path, method="PUT", **request)

    def patch(self, path: str, **request: Any) -> TestResponse:
        """Send a PATCH."""
        return self.open(path, method="PATCH", **request)

    def delete(self, path: str, **request: Any) -> TestResponse:
        """Send a DELETE."""
        return self.open(path, method="DELETE", **request)


Transact = Callable[..., Any]


def make_person(app: Flask, transact: Transact, *roles: RoleAt | str, name: str = "Ada") -> Person:
    """Add a person with roles, everywhere or at places; the user name is one that nobody had before."""
    held = tuple(RoleAt(role) if isinstance(role, str) else role for role in roles)
    with app.app_context():
        password = hasher().hash(PASSWORD)
    new = NewUser(f"{re.sub('[^a-z]', '', name.lower())}{next(_numbers)}", name, password, held)

    def create(session: Any, now: Any) -> Person:
        [user] = create_users(session, [new], by=TESTER, now=now)
        return Person(user.id, user.username, user.name)

    made: Person = transact(create)
    return made


def make_token(
    app: Flask,
    transact: Transact,
    entity: Entity | int | None,
    *permissions: str,
    source: str | None = None,
    person: Person | None = None,
    lifetime: timedelta = timedelta(days=1),
) -> str:
    """Issue a token for an entity, or with None for all, and return its secret."""
    request = TokenRequest(
        "test",
        None if entity is None else int(entity),
        permissions,
        source=source,
        user_id=person.id if person else None,
        lifetime=lifetime,
    )
    declared = app.extensions["onhand_access"].permissions
    secret: str = transact(lambda session, now: issue(session, [request], declared, by=TESTER, now=now)[0].secret)
    return secret


def sign_in(client: FlaskClient, person: Person, entity: Entity | int | None = None) -> None:
    """Fill in the login form, and switch to an entity where one is given."""
    form = {"username": person.username, "password": PASSWORD, "csrf_token": csrf_token(client, "/login")}
    answer = client.post("/login", data=form)
    assert answer.status_code == 303, answer.text
    if entity is not None:
        switch = {"entity": str(int(entity)), "csrf_token": csrf_token(client, "/")}
        answer = client.post("/entity", data=switch)
        assert answer.status_code == 303, answer.text


def csrf_token(client: FlaskClient, path: str) -> str:
    """Return the token that the forms of a page carry."""
    page = client.get(path)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, f"{path} ({page.status_code}) has no form"
    return found[1]
