"""A site of one small add-on, with people and tokens, shared by the tests of access and of REST."""

import re
import time
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from onhand.access import cache, services, tokens
from onhand.access.passwords import hasher_of
from onhand.actors import Actor
from onhand.addons import Addon
from onhand.app import create_app
from onhand.config import Settings
from onhand.db import db
from onhand.embedded import Services, temporary_services
from onhand.migrate import upgrade
from onhand.transaction import run

ADDONS = [Addon("gate", "onhand-gate", "1", "onhand_gate")]
TESTER = Actor.system("test")
PASSWORD = "correct horse battery"
EMPTIED = """
TRUNCATE onhand.idempotency_key, onhand.audit, onhand.login, onhand.api_token, onhand.user_role, onhand."user",
  onhand.enablement, onhand.policy_version, onhand.entity CASCADE
"""


def settings_for(running: Services, **changes) -> Settings:
    """Return settings for an app on these services; passwords are cheap to hash."""
    chosen = {
        "database_url": running.database_url,
        "redis_url": running.redis_url,
        "secret_key": "only for tests",
        "password_cost": "cheap",
        "secure_cookies": False,
    }
    return Settings(**(chosen | changes))


def csrf(client: FlaskClient, path: str = "/login") -> str:
    """Return the token that a page's forms carry."""
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)[1]


def sign_in(client: FlaskClient, username: str, password: str = PASSWORD, **query):
    """Fill in the login form."""
    form = {"username": username, "password": password, "csrf_token": csrf(client)}
    return client.post("/login", data=form, query_string=query)


@dataclass
class Site:
    """The running services, an app, entities A and B with the add-on on in A only, and makers of people and tokens."""

    services: Services
    app: Flask
    a: int
    b: int
    clients: list[FlaskClient] = field(default_factory=list)

    def run(self, command):
        """Run a command over both entities.

        The app context lasts no longer than this: requests inside one would share its `g`.
        """
        with self.app.app_context():
            return run(command, entities=(self.a, self.b))

    def owner(self, sql: str, *values):
        """Run SQL past every wall; return rows where there are any."""
        with psycopg.connect(self.services.libpq("postgres"), autocommit=True) as connection:
            answer = connection.execute(sql, values)
            return answer.fetchall() if answer.description else []

    def token(self, entity_id: int | None, *permissions: str, days: float = 1, **more) -> str:
        """Return the secret of a new token."""
        request = tokens.TokenRequest("till", entity_id, permissions, lifetime=timedelta(days=days), **more)
        declared = self.app.extensions["onhand_access"].permissions
        issued = self.run(lambda s, now: tokens.issue(s, [request], declared, by=TESTER, now=now))
        return issued[0].secret

    def user(self, name: str, *roles: services.RoleAt) -> int:
        """Return the id of a new person, whose password is PASSWORD."""
        new = services.NewUser(name, name.title(), hasher_of("cheap").hash(PASSWORD), roles)
        return self.run(lambda s, now: services.create_users(s, [new], by=TESTER, now=now)[0].id)

    def client(self) -> FlaskClient:
        """Return a new browser."""
        return self.app.test_client()

    def get(self, path: str, token: str | None = None, **headers):
        """Ask with a token."""
        return self.client().get(path, headers=self.headers(token, headers))

    def post(self, path: str, token: str | None = None, *, body=None, data=None, **headers):
        """Send a JSON body, or raw data, with a token."""
        given = {"json": body} if data is None else {"data": data, "content_type": "application/json"}
        return self.client().post(path, headers=self.headers(token, headers), **given)

    @staticmethod
    def headers(token, more):
        found = {name.replace("_", "-"): value for name, value in more.items()}
        return found | ({"Authorization": f"Bearer {token}"} if token else {})


@pytest.fixture(scope="session")
def access_services():
    """PostgreSQL and Valkey with the core's schema."""
    with temporary_services(in_memory=True) as running:
        upgrade(running.owner_database_url, [])
        yield running


@pytest.fixture(scope="session")
def access_app(access_services):
    """One app per test session."""
    app = create_app(settings_for(access_services), addons=ADDONS)
    app.testing = True
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def site(access_services, access_app):
    """A clean site: nobody yet."""
    cache.principals.forget()
    redis.Redis.from_url(access_services.redis_url).flushall()
    with psycopg.connect(access_services.libpq("postgres"), autocommit=True) as connection:
        connection.execute(EMPTIED)
        ids = connection.execute(
            """INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)
               VALUES ('A', 'A', 'EUR', 'DE', 'UTC', now()), ('B', 'B', 'EUR', 'DE', 'UTC', now()) RETURNING id"""
        ).fetchall()
        a, b = ids[0][0], ids[1][0]
        connection.execute(
            """INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)
               VALUES (%s, 'gate', 'enabled', now() - interval '1 hour', now(), 'system:test')""",
            (a,),
        )
    return Site(access_services, access_app, a, b)


@pytest.fixture
def now_passes(monkeypatch):
    """Return a function that lets what is remembered grow older by so many seconds."""
    passed = 0.0

    def pass_seconds(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(cache.principals, "_clock", lambda: time.monotonic() + passed)
    return pass_seconds
