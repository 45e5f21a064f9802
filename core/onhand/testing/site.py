"""A site as a test sees it: database, settings and application over one set of add-ons."""

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from onhand.access.cache import principals
from onhand.access.services import RoleAt
from onhand.addons import Addon
from onhand.app import create_app
from onhand.config import Settings
from onhand.db import db
from onhand.embedded import Addresses
from onhand.jobs import Drained, drain
from onhand.testing import statements
from onhand.testing.database import Database, Databases
from onhand.testing.people import Entity, Person, make_person, make_token, sign_in
from onhand.testing.server import Server
from onhand.transaction import every_entity, run

__all__ = ["Site", "Sites"]

T = TypeVar("T")
SECRET_KEY = "only for tests, and long enough to sign with"  # noqa: S105 - no secret: tests alone use it
ENABLED_SINCE = "2000-01-01T00:00:00Z"  # before any time a test hands in as now


@dataclass
class Site:
    """A database, an application over it, and what tests ask of both."""

    addons: tuple[Addon, ...]
    database: Database
    settings: Settings
    app: Flask
    redis: redis.Redis
    servers: ExitStack = field(default_factory=ExitStack)
    _server: Server | None = None

    def reset(self) -> None:
        """Begin anew: no rows but those of migrations, nothing in Redis, nothing remembered in this process."""
        self.database.reset()
        self.redis.flushdb()
        principals.forget()
        self.app.extensions["onhand"].forget()

    def found(self, codes: Sequence[str], *, disabled: dict[str, Collection[str]]) -> tuple[Entity, ...]:
        """Make entities for which every add-on is enabled, long since, but those listed under the entity's code."""
        made = self.database.superuser(
            "INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)"
            " SELECT code, 'Entity ' || code, 'EUR', 'AT', 'Europe/Vienna', clock_timestamp()"
            " FROM unnest(%s::text[]) AS code RETURNING id, code, name",
            list(codes),
        )
        entities = tuple(Entity(*row) for row in made)
        rows = [(entity.id, noun) for entity in entities for noun in self._enabled(disabled.get(entity.code, ()))]
        self.database.superuser(
            "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
            " SELECT entity_id, addon, 'enabled', %s::timestamptz, clock_timestamp(), 'system:test'"
            " FROM unnest(%s::int[], %s::text[]) AS wanted (entity_id, addon)",
            ENABLED_SINCE,
            [row[0] for row in rows],
            [row[1] for row in rows],
        )
        return entities

    def transact(self, command: Callable[[Session, datetime], T], entities: Iterable[Entity | int] | None = None) -> T:
        """Run a command in a transaction of its own over these entities, or over all there are.

        The application context lasts no longer than this: requests made inside one would share its `g`.
        """
        with self.app.app_context():
            scope = every_entity() if entities is None else [int(entity) for entity in entities]
            return run(command, entities=scope)

    def person(self, *roles: RoleAt | str, name: str = "Ada") -> Person:
        """Add someone with roles, everywhere or at places."""
        return make_person(self.app, self.transact, *roles, name=name)

    def token(self, entity: Entity | int | None, *permissions: str, **more: Any) -> str:
        """Return the secret of a token for an entity, or with None for all."""
        return make_token(self.app, self.transact, entity, *permissions, **more)

    def browser(self, role: str | None = None, *, entity: Entity | None = None) -> FlaskClient:
        """Return a browser with someone new signed in who has that role, everywhere or in the entity alone."""
        client = self.app.test_client()
        roles = () if role is None else (RoleAt(role, entity.id if entity else None),)
        sign_in(client, self.person(*roles), entity)
        return client

    def drain(self) -> Drained:
        """Hand over every event and do every due job, here and now."""
        with self.app.app_context():
            return drain()

    def server(self) -> Server:
        """Return the web server of this site, started when first asked for and kept for the following tests."""
        if self._server is None or not self._server.alive:
            self._server = self.servers.enter_context(Server(self.settings, self.addons))
        return self._server

    def close(self) -> None:
        """Let go of everything."""
        self.servers.close()
        with self.app.app_context():
            db.engine.dispose()
        self.app.extensions["onhand.jobs"].carrier.close()
        self.redis.close()
        self.database.close()

    def _enabled(self, disabled: Collection[str]) -> list[str]:
        """Return what stays enabled when these, and what needs them, are not."""
        off = set(disabled)
        for addon in self.addons:  # requirements first, so one pass suffices
            if off & {*addon.requires}:
                off.add(addon.noun)
        return [addon.noun for addon in self.addons if addon.noun not in off]


class Sites:
    """The sites of one worker, one per set of add-ons, made when first asked for."""

    def __init__(self, addresses: Addresses, *, worker: str, meeting: Path) -> None:
        self.addresses = addresses
        self.databases = Databases(addresses, worker=worker, meeting=meeting)
        self._worker = worker
        self._folder = Path(tempfile.mkdtemp(prefix="onhand-site-"))
        self._made: dict[tuple[Addon, ...], Site] = {}

    def site(self, addons: Sequence[Addon]) -> Site:
        """Return the site of exactly these add-ons."""
        key = tuple(addons)
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def close(self) -> None:
        """Close them all."""
        for site in self._made.values():
            site.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self, addons: tuple[Addon, ...]) -> Site:
        database = self.databases.clone(addons)
        settings = Settings(
            database_url=database.url,
            owner_database_url=database.owner_url,
            redis_url=self._redis_url(),
            secret_key=SECRET_KEY,
            folder=str(self._folder),
            password_cost="cheap",  # noqa: S106 - a kind of hash, no secret
            secure_cookies=False,
            log_format="console",
            wait_seconds_max=60.0,  # other tests keep this machine busy: no reason to send anybody away,
            idle_timeout_ms=60_000,  # or to give a transaction up whose thread was not given its turn
        )
        app = create_app(settings, addons=addons)
        app.testing = True
        with app.app_context():
            statements.watch(db.engine)
            db.engine.dispose()  # what is open already does not tell its statements
        return Site(addons, database, settings, app, redis.Redis.from_url(settings.redis_url))

    def _redis_url(self) -> str:
        number = int("0" + "".join(filter(str.isdigit, self._worker))) % 16
        return self.addresses.redis_url.replace("?db=0", f"?db={number}")
