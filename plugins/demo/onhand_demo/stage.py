"""Where the demo plays: a database and a queue, the site's processes, and the address of its door."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

import click
import httpx
from flask import Flask
from onhand.addons import discover
from onhand.app import create_app
from onhand.config import Settings
from onhand.embedded import EmbeddedError, NotRunning, Services, attach, services
from onhand.embedded.places import places_for
from onhand.migrate import upgrade
from onhand.supervise import Processes, ProcessSpec

READY_WITHIN_S = 60.0
RESTARTS_MAX = 20
MENDED_EVERY_S = 0.5
STATEMENT_TIMEOUT_MS = 300_000
"""This process imports tens of thousands of rows at once; the site's own processes keep their limits."""


class NotReady(RuntimeError):
    """The site did not come up in time."""


ADDRESSES = ("DATABASE_URL", "ONHAND_OWNER_DATABASE_URL", "REDIS_URL")


@dataclass(frozen=True, slots=True)
class Backing:
    """Where database and queue are; `services` are those we run ourselves."""

    addresses: Mapping[str, str]
    services: Services | None

    @property
    def postgres_log(self) -> Path | None:
        """The database's log, where it is ours to read."""
        return self.services.postgres_log if self.services else None


@contextmanager
def backing_services() -> Iterator[Backing]:
    """Database and queue while the block lasts: those the environment names, or our own, empty.

    Our own keep their data and logs in the folder `demo` beside the site's, until the next demo, which begins by
    forgetting them.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield Backing({name: os.environ[name] for name in ADDRESSES if name in os.environ}, None)
        return
    folder = Settings.from_environment().path / "demo"
    try:
        attach(folder)
    except NotRunning:
        shutil.rmtree(places_for(folder).home, ignore_errors=True)
    with services(folder) as running:
        yield Backing(running.environment(), running)


def site_environment(addresses: Mapping[str, str]) -> dict[str, str]:
    """The environment of every process of the site; a secret is made up where none is set."""
    secret = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(32)
    return {**addresses, "SECRET_KEY": secret, "ONHAND_SECURE_COOKIES": "false"}


def prepared(environment: Mapping[str, str]) -> Flask:
    """Migrate the database, and return the application for it as this process uses it: patient, and quiet."""
    installed = discover()
    upgrade(environment.get("ONHAND_OWNER_DATABASE_URL") or environment["DATABASE_URL"], installed)
    settings = Settings.from_environment(environment)
    patient = replace(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS, log_format="console", log_level="warning")
    return create_app(patient, addons=installed)


@contextmanager
def site(environment: Mapping[str, str], *, port: int, minding: Services | None) -> Iterator[Processes]:
    """The site's web, worker and scheduler while the block lasts, each started again when it crashes.

    So are the services in `minding`. What the processes print is in log files beside the services' own.
    """
    logs = minding.folder if minding else Settings.from_environment(environment).path
    logs.mkdir(parents=True, exist_ok=True)
    commands = {
        "web": ("serve", "--port", str(port)),
        "worker": ("worker",),
        "scheduler": ("scheduler",),
    }
    specs = [
        ProcessSpec(
            name,
            (sys.executable, "-m", "onhand.cli", *command),
            environment=environment,
            log=logs / f"{name}.log",
            restarts_max=RESTARTS_MAX,
        )
        for name, command in commands.items()
    ]
    with _mended(minding), Processes(specs) as processes:
        wait_ready(f"http://127.0.0.1:{port}", processes, logs)
        yield processes


@contextmanager
def _mended(running: Services | None) -> Iterator[None]:
    """Start again, while the block lasts, whichever service has died."""
    over = Event()

    def mend() -> None:
        while running is not None and not over.wait(MENDED_EVERY_S):
            with suppress(EmbeddedError):
                running.mend()

    thread = Thread(target=mend, name="demo-mend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def wait_ready(base_url: str, processes: Processes, logs: Path) -> None:
    """Wait until the site takes requests; NotReady, with where to look, if it does not."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        processes.check()
        try:
            if httpx.get(f"{base_url}/readyz", timeout=5.0, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise NotReady(f"{base_url} was not ready after {READY_WITHIN_S:.0f} s; its logs are in {logs}")


def port_to_use(wanted: int | None) -> int:
    """The port wanted, or any free one of the loopback interface; UsageError when the wanted one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except OSError as error:
            raise click.UsageError(f"port {wanted} is taken ({error.strerror}): choose another by --port") from None
        return int(probe.getsockname()[1])
