"""`onhand serve | worker | scheduler | dev`: the processes of a site."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from onhand.cli.site import Backing, backing

if TYPE_CHECKING:
    from flask import Flask

    from onhand.supervise import ProcessSpec

__all__ = ["dev", "scheduler", "serve", "worker"]

WORKERS_MAX = 4
THREADS = 32
GRACE_SECONDS = 15.0
RESTARTS_MAX = 100
FOR_PEOPLE = {"ONHAND_LOG_FORMAT": "console"}

port_option = click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)
host_option = click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for every interface.")


@click.command()
@host_option
@port_option
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes; by default one per core, at most 4.")
@click.option("--threads", type=click.IntRange(1, 512), default=THREADS, show_default=True, help="Per process.")
def serve(host: str, port: int, workers: int | None, threads: int) -> None:
    """Answer requests: gunicorn, threads, the application loaded before forking.

    Behind a proxy that speaks TLS. Without DATABASE_URL it brings its own services, in the folder `.run`.
    """
    command = gunicorn(host, port, workers or min(os.cpu_count() or 1, WORKERS_MAX), threads)
    with backing() as found, metrics_folder() as folder:
        raise SystemExit(_run(found, [_spec("web", command, folder)], plain=True))


@click.command()
@click.option("--threads", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only these queues; may be repeated.")
def worker(threads: int, queues: tuple[str, ...]) -> None:
    """Do jobs until stopped."""
    from onhand.jobs.worker import main as work

    with _process() as app:
        work(app, threads=threads, queues=queues or None)


@click.command()
def scheduler() -> None:
    """Hand events to their observers and repeat what falls due. Of several, one leads and the others stand by."""
    from onhand.scheduler import main as schedule

    with _process() as app:
        schedule(app)


@click.command()
@host_option
@port_option
def dev(host: str, port: int) -> None:
    """Run web (restarted when code changes), worker and scheduler together until Ctrl-C.

    Without DATABASE_URL with services of its own in the folder `.run`, and a first administrator if there is nobody.
    """
    with backing() as found, metrics_folder() as folder:
        _first_person(found)
        own = (sys.executable, "-m", "onhand.cli")
        specs = [
            _spec("web", [*gunicorn(host, port, 1, 16), "--reload"], folder),
            _spec("worker", (*own, "worker")),
            _spec("scheduler", (*own, "scheduler")),
        ]
        click.echo(f"http://{host}:{port}", err=True)
        specs = [replace(spec, restarts_max=RESTARTS_MAX) for spec in specs]  # code half written may not start
        raise SystemExit(_run(replace(found, environment={**FOR_PEOPLE, **found.environment}), specs))


def gunicorn(host: str, port: int, workers: int, threads: int) -> list[str]:
    """Return the command that serves the application."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    options = ["--bind", bind, "--workers", str(workers), "--threads", str(threads)]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:onhand.cli.gunicorn_conf",
        *options,
        "onhand.app:create_app()",
    ]


@contextmanager
def metrics_folder() -> Iterator[Mapping[str, str]]:
    """Yield the environment in which web processes add up their metrics, while it lasts."""
    folder = Path(tempfile.mkdtemp(prefix="onhand-metrics-"))
    try:
        yield {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _process() -> "Iterator[Flask]":
    from onhand.app import create_app
    from onhand.db import db

    with backing() as found:
        app = create_app(found.settings)
        try:
            yield app
        finally:
            with app.app_context():
                db.engine.dispose()


def _spec(
    name: str, command: "list[str] | tuple[str, ...]", environment: Mapping[str, str] | None = None
) -> "ProcessSpec":
    from onhand.supervise import ProcessSpec

    return ProcessSpec(
        name, command, environment=environment or {}, stop_signal=signal.SIGTERM, grace_seconds=GRACE_SECONDS
    )


def _run(found: Backing, specs: "list[ProcessSpec]", *, plain: bool = False) -> int:
    from onhand.supervise import print_line, run_processes

    specs = [replace(spec, environment={**found.environment, **spec.environment}) for spec in specs]
    return run_processes(specs, on_line=_print if plain else print_line)


def _print(_: str, line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _first_person(found: Backing) -> None:
    """Where there is nobody yet, add an administrator and print how to sign in."""
    import secrets

    from onhand.access.passwords import hasher
    from onhand.access.services import NewUser, RoleAt, create_users, user_count
    from onhand.actors import Actor
    from onhand.app import create_app
    from onhand.cli.site import quiet
    from onhand.db import db
    from onhand.transaction import run

    app = create_app(quiet(found.settings))
    with app.app_context():
        if run(lambda session, _: user_count(session), entities=()) == 0:
            password = secrets.token_urlsafe(12)
            person = NewUser("admin", "Administrator", hasher().hash(password), (RoleAt("admin"),))
            by = Actor.system("dev")
            run(lambda session, now: create_users(session, [person], by=by, now=now)[0].id, entities=())
            click.echo(f"sign in as admin, password {password}", err=True)
        db.engine.dispose()
