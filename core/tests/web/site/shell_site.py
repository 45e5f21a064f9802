"""A whole site with two small add-ons, for the shell's own pages."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from onhand.access import cache
from onhand.access.passwords import hasher_of
from onhand.access.services import NewUser, RoleAt, create_users
from onhand.actors import Actor
from onhand.addons import Addon
from onhand.app import create_app
from onhand.config import Settings
from onhand.db import db
from onhand.embedded import Services, temporary_services
from onhand.enablement import Change, change
from onhand.migrate import upgrade
from onhand.transaction import run
from werkzeug.test import TestResponse

ADDONS = [
    Addon("shelf", "onhand-shelf", "1", "onhand_shelf"),
    Addon("till", "onhand-till", "1", "onhand_till", requires=("shelf",)),
]
TESTER = Actor.system("test")
PASSWORD = "correct horse battery"
EMPTIED = (
    'TRUNCATE onhand.audit, onhand.login, onhand.user_role, onhand."user", onhand.enablement, onhand.entity CASCADE'
)

SHELVER = """
WITH made AS (INSERT INTO onhand.role (code, name) VALUES ('shelver', 'Shelver') ON CONFLICT DO NOTHING RETURNING id)
INSERT INTO onhand.role_permission (role_id, permission) SELECT id, 'shelf.read' FROM made
"""


@dataclass
class Site:
    """Entities north (Tokyo) and south (Berlin), nothing enabled yet, and makers of people and browsers."""

    app: Flask
    north: int
    south: int

    def run(self, command):
        with self.app.app_context():
            return run(command, entities=(self.north, self.south))

    def change(self, *wishes: Change) -> None:
        self.run(lambda session, now: change(session, wishes, by=TESTER, now=now))

    def user(self, name: str, *roles: RoleAt) -> None:
        person = NewUser(name, name.title(), hasher_of("cheap").hash(PASSWORD), roles)
        self.run(lambda session, now: create_users(session, [person], by=TESTER, now=now))

    def browser(self, name: str | None = None, *roles: RoleAt) -> FlaskClient:
        """Return a browser, signed in as a new person if one is named."""
        client = self.app.test_client()
        if name is not None:
            self.user(name, *roles)
            assert post(client, "/login", username=name, password=PASSWORD).status_code == 303
        return client


def post(client: FlaskClient, path: str, form_at: str | None = None, **form: object) -> TestResponse:
    """Fill in the form of a page and send it."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(form_at or path).text)
    assert token is not None, f"no form at {form_at or path}"
    return client.post(path, data={"csrf_token": token[1], **form})


@pytest.fixture(scope="session")
def shell_services():
    with temporary_services(in_memory=True) as running:
        upgrade(running.owner_database_url, [])
        yield running


@pytest.fixture(scope="session")
def shell_app(shell_services: Services):
    settings = Settings(
        database_url=shell_services.database_url,
        redis_url=shell_services.redis_url,
        secret_key="only for tests",
        password_cost="cheap",
        secure_cookies=False,
    )
    app = create_app(settings, addons=ADDONS, site=Path(__file__).parent)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def site(shell_services: Services, shell_app: Flask) -> Site:
    cache.principals.forget()
    redis.Redis.from_url(shell_services.redis_url).flushall()
    with psycopg.connect(shell_services.libpq("postgres"), autocommit=True) as connection:
        connection.execute(EMPTIED)
        connection.execute(SHELVER)
        ids = connection.execute(
            """INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)
               VALUES ('north', 'North Shops', 'JPY', 'JP', 'Asia/Tokyo', now()),
                      ('south', 'South Shops', 'EUR', 'DE', 'Europe/Berlin', now()) RETURNING id"""
        ).fetchall()
    return Site(shell_app, ids[0][0], ids[1][0])
