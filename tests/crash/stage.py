"""The stage: services of our own, a proxy before PostgreSQL, the site's processes, and the world they serve."""

import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from flask import Flask
from onhand.addons import discover
from onhand.app import create_app
from onhand.cli.processes import gunicorn
from onhand.config import Settings
from onhand.db import db
from onhand.embedded import Addresses, Services, services
from onhand.embedded.addresses import SUPERUSER
from onhand.migrate import upgrade
from onhand.supervise import Processes, ProcessSpec

from crash.proxy import Proxy
from crash.world import World, found

__all__ = ["ROLES", "Stage", "stage"]

ROLES = ("web", "worker", "scheduler")
NOUNS = ("master_data", "stock", "channels", "reservations", "exceptions")
WORKERS = 2
THREADS = 16
READY_SECONDS_MAX = 60.0
PLANTED = "crash.planted:create_app()"


@dataclass
class Stage:
    """Where a run takes place. `app` is this process's own, past the proxy: for founding, draining and verifying."""

    folder: Path
    services: Services
    proxy: Proxy
    processes: Processes
    app: Flask
    world: World
    port: int

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database itself, as its superuser: the judge reads past all of the code that is judged."""
        return ask(self.services, query, *values)

    def wait_ready(self) -> None:
        """Wait until every process runs and the site takes requests; RuntimeError when it does not.

        One that was killed again and again, before it was steady, is started again after half a minute only.
        """
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            self.processes.check()
            if self.processes.pids().keys() >= set(ROLES) and self._takes_requests():
                return
            time.sleep(0.1)
        raise RuntimeError(f"the site was not ready after {READY_SECONDS_MAX:.0f} s; its logs are in {self.folder}")

    def _takes_requests(self) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5.0, trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200


@contextmanager
def stage(folder: Path, *, planted: str | None) -> Iterator[Stage]:
    """Build the stage with logs and data in `folder`, and stop everything on the way out.

    `planted`: what is wrong with it, to see it found. `hold`: see `crash.planted`; `durability`: PostgreSQL acknowledges
    before it has written.
    """
    with services(folder) as running:
        addons = discover()
        upgrade(running.owner_database_url, addons)
        secret = secrets.token_urlsafe(32)
        app = create_app(_settings(running, secret, folder), addons=addons)
        world = found(app, [addon.noun for addon in addons if addon.noun in NOUNS])
        if planted == "durability":
            ask(running, "ALTER ROLE onhand_app SET synchronous_commit = off")
        port = _free_port()
        with Proxy(running, ROLES, lambda pid: _terminate(running, pid)) as proxy:
            specs = [
                _spec(role, proxy.addresses(role), running, secret, folder, port, is_planted=planted == "hold")
                for role in ROLES
            ]
            with Processes(specs) as processes:
                place = Stage(folder, running, proxy, processes, app, world, port)
                try:
                    place.wait_ready()
                    yield place
                finally:
                    if running.postgres_log.parent != folder:
                        shutil.copy(running.postgres_log, folder)
        with app.app_context():
            db.engine.dispose()


def ask(running: Services, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask as superuser, on a connection of its own."""
    with psycopg.connect(running.libpq(SUPERUSER, "onhand"), autocommit=True) as connection:
        cursor = connection.execute(query.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def _terminate(running: Services, pid: int) -> None:
    ask(running, "SELECT pg_terminate_backend(%s)", pid)


def _settings(running: Services, secret: str, folder: Path) -> Settings:
    return Settings(
        database_url=running.database_url, redis_url=running.redis_url, secret_key=secret, secure_cookies=False,
        folder=str(folder), log_format="console", log_level="error", statement_timeout_ms=60_000,
    )  # fmt: skip


def _spec(
    role: str, database: Addresses, running: Services, secret: str, folder: Path, port: int, *, is_planted: bool
) -> ProcessSpec:
    command = [sys.executable, "-m", "onhand.cli", role]
    if role == "web":
        command = gunicorn("127.0.0.1", port, WORKERS, THREADS)
        command[-1] = PLANTED if is_planted else command[-1]
    environment = {
        "DATABASE_URL": database.database_url,
        "REDIS_URL": running.redis_url,
        "SECRET_KEY": secret,
        "ONHAND_SECURE_COOKIES": "false",
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", ""))),
    }
    return ProcessSpec(role, command, environment=environment, log=folder / f"{role}.log", restarts_max=1_000_000)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
