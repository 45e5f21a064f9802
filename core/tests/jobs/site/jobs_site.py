"""A site of two small add-ons on real services, shared by the tests of jobs and of combining."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from flask import Flask
from onhand import jobs
from onhand.addons import Addon, Addons
from onhand.config import Settings
from onhand.db import cursor, db
from onhand.embedded import temporary_services
from onhand.migrate import upgrade
from onhand.transaction import run
from onhand_probe.events import ThingSeen

HERE = Path(__file__).parent
ADDONS = [
    Addon("probe", "onhand-probe", "1", "onhand_probe"),
    Addon("echo", "onhand-echo", "1", "onhand_echo", requires=("probe",)),
]


def build(database_url: str, redis_url: str) -> Flask:
    """Return an app of the core's spine and these two add-ons, without web or access."""
    app = Flask("site")
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": 8,
        "max_overflow": 0,
        "pool_timeout": 2,
        "connect_args": {"options": "-c lock_timeout=2000 -c statement_timeout=5000", "prepare_threshold": 2},
    }
    db.init_app(app)
    app.extensions["onhand"] = Addons(ADDONS)
    app.extensions["onhand_settings"] = Settings()
    jobs.init_app(app, redis_url=redis_url, namespace="onhand:test")
    return app


@dataclass
class Site:
    """The running services and what tests ask of them most."""

    services: object
    app: Flask
    a: int
    b: int

    def traces(self, observer: str | None = None) -> list[int]:
        """Return the numbers of the traces left so far, sorted."""
        rows = run(
            lambda s, _: cursor(s).execute(
                "SELECT number FROM probe.trace WHERE %s::text IS NULL OR observer = %s ORDER BY number", (observer, observer)
            ).fetchall(),
            entities=[self.a, self.b],
        )  # fmt: skip
        return [row[0] for row in rows]

    def owner(self, sql: str, *values):
        """Run SQL as the superuser, past every wall; return rows where there are any."""
        with psycopg.connect(self.services.libpq("postgres"), autocommit=True) as connection:
            answer = connection.execute(sql, values)
            return answer.fetchall() if answer.description else []

    def wait(self, condition, seconds: float = 120.0) -> None:
        """Wait until a condition holds; fail when it does not in time."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"not within {seconds} s"
            time.sleep(0.05)

    @contextmanager
    def process(self, role: str):
        """Run a worker or a scheduler as a process of its own, killed in the end."""
        environment = os.environ | {
            "PYTHONPATH": str(HERE),
            "PROBE_DATABASE_URL": self.services.database_url,
            "PROBE_REDIS_URL": self.services.redis_url,
        }
        process = subprocess.Popen([sys.executable, "-m", "jobs_site", role], env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def probe_services():
    """PostgreSQL and Valkey with the schema of the core and the probe."""
    with temporary_services(in_memory=True) as services:
        upgrade(services.owner_database_url, ADDONS)
        yield services


@pytest.fixture(scope="session")
def probe_app(probe_services):
    """One app per test session, with two entities that have both add-ons enabled."""
    app = build(probe_services.database_url, probe_services.redis_url)
    yield app
    with app.app_context():
        db.engine.dispose()
    app.extensions["onhand.jobs"].carrier.close()


@pytest.fixture
def site(probe_services, probe_app):
    """A clean site in an app context."""
    with psycopg.connect(probe_services.libpq("postgres"), autocommit=True) as connection:
        connection.execute(
            "TRUNCATE onhand.outbox, onhand.job, onhand.schedule, onhand.enablement, probe.trace, onhand.entity CASCADE"
        )
        ids = connection.execute(
            """INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)
               VALUES ('A', 'A', 'EUR', 'DE', 'UTC', now()), ('B', 'B', 'EUR', 'DE', 'UTC', now()) RETURNING id"""
        ).fetchall()
        connection.execute(
            """INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)
               SELECT id, addon, 'enabled', now() - interval '1 hour', now(), 'system:test'
               FROM onhand.entity, unnest(ARRAY['probe', 'echo']) AS addon"""
        )
    redis.Redis.from_url(probe_services.redis_url).flushall()
    with probe_app.app_context():
        yield Site(probe_services, probe_app, ids[0][0], ids[1][0])


def seen(site: Site, *numbers: int, mood: str = "good") -> list[ThingSeen]:
    """Return events of entity A."""
    return [ThingSeen(site.a, number, mood) for number in numbers]


def main(role: str) -> None:
    """Be a worker or a scheduler."""
    app = build(os.environ["PROBE_DATABASE_URL"], os.environ["PROBE_REDIS_URL"])
    if role == "worker":
        from onhand.jobs.worker import main as serve
    else:
        from onhand.scheduler import main as serve
    serve(app)


if __name__ == "__main__":
    main(sys.argv[1])
