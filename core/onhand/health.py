"""`/livez`: this process answers. `/readyz`: so do the services it needs. `/metrics`: what it measured."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import redis
import structlog
from flask import Blueprint, Flask, Response, current_app
from msgspec.json import encode
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg import Error as DriverError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from onhand.access import hot, public
from onhand.addons import Addons
from onhand.contributions import Measure
from onhand.db import db
from onhand.jobs.setup import jobs
from onhand.limits import redis_client
from onhand.metrics import count_hooks, exposition, measure_backlog
from onhand.migrate import CORE, step_of
from onhand.running import late, unready
from onhand.transaction import every_entity, run

__all__ = ["CHECKS", "check_database", "check_migrations", "check_redis", "init_app"]

KEPT_SECONDS = 1.0
EXTENSION = "onhand_health"

health = Blueprint("health", __name__)


def check_database() -> str | None:
    """Return what is wrong with the database, or None."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, DriverError) as error:
        return f"the database does not answer ({type(error).__name__})"
    return None


def check_migrations() -> str | None:
    """Return whose tables are behind their code, and in use, or None.

    An add-on that a migration failed for, or that no entity uses, is not waited for: the site runs without it.
    """
    addons: Addons = current_app.extensions["onhand"]
    try:
        with db.engine.connect() as connection:
            missing = [CORE.noun] if step_of(connection, CORE).is_behind else []
            if not missing:
                found = unready(connection, [addons.addon(name) for name in addons.names])
                addons.hold(found)
                missing = late(connection, found)
    except (SQLAlchemyError, DriverError) as error:
        return f"the migrations cannot be read ({type(error).__name__})"
    return f"migrations missing: {', '.join(missing)}" if missing else None


def check_redis() -> str | None:
    """Return what is wrong with Redis, or None. Without it jobs wait some seconds longer, nothing else."""
    try:
        redis_client().ping()
    except (redis.RedisError, ValueError) as error:
        return f"redis does not answer ({type(error).__name__})"
    return None


CHECKS: dict[str, Callable[[], str | None]] = {
    "database": check_database,
    "migrations": check_migrations,
    "redis": check_redis,
}


def init_app(app: Flask) -> None:
    """Mount the three addresses. All are public and tell nothing about the business: keep them off the internet."""
    app.extensions[EXTENSION] = (float("-inf"), {})
    app.register_blueprint(health)


@health.get("/livez")
@hot
@public
def livez() -> Response:
    """Answer as long as this process can answer at all."""
    return Response("ok\n", content_type="text/plain")


@health.get("/readyz")
@hot
@public
def readyz() -> Response:
    """Say what is missing: 200 when nothing is, else 503. Checked at most once a second, however often it is asked.

    Add-ons that do not run are told, and are no reason to send nobody here: the site runs without them.
    """
    asked_at, faults = current_app.extensions[EXTENSION]
    if time.monotonic() - asked_at >= KEPT_SECONDS:
        faults = {name: check() for name, check in CHECKS.items()}
        current_app.extensions[EXTENSION] = (time.monotonic(), faults)
    is_ready = not any(faults.values())
    report = {"ready": is_ready, "checks": {name: fault or "ok" for name, fault in faults.items()}}
    addons: Addons = current_app.extensions["onhand"]
    if addons.idle:
        report["not_running"] = {fault.noun: f"{fault.reason}: {fault.advice}" for fault in addons.idle}
    return Response(encode(report), 200 if is_ready else 503, content_type="application/json")


@health.get("/metrics")
@hot
@public
def metrics() -> Response:
    """Every metric in Prometheus' text format.

    Of all web processes of this host under `onhand serve`, which sets PROMETHEUS_MULTIPROC_DIR; of this one elsewhere.
    The backlog of outbox and jobs, and what add-ons measure, is the whole site's, read now; without a database the
    former is left as it was and the latter left out.
    """
    _note_hooks()
    try:
        run(lambda session, _: measure_backlog(session, jobs().queues), entities=())
        measures = _measures()
    except (SQLAlchemyError, DriverError) as error:
        structlog.get_logger().warning("metrics.backlog_unknown", error=type(error).__name__)
        measures = []
    return Response(exposition(measures), content_type=CONTENT_TYPE_LATEST)


def _note_hooks() -> None:
    """Where nobody watches this process, its hooks are timed when somebody asks."""
    addons: Addons = current_app.extensions["onhand"]
    if not addons.boundary.is_watched:
        count_hooks(addons.boundary.spent)


def _measures() -> list[Measure]:
    """Ask every add-on in a transaction of its own: one that raises leaves out its own figures, nobody else's."""
    addons: Addons = current_app.extensions["onhand"]
    entities = every_entity()
    found: list[Measure] = []
    for noun in addons.implementers("measures"):
        try:
            found += run(partial(_measured_by, addons, noun), entities=entities)
        except Exception:
            structlog.get_logger().exception("metrics.measures_failed", addon=noun)
    return found


def _measured_by(addons: Addons, noun: str, session: Session, now: datetime) -> list[Measure]:
    return addons.gather_from(noun, "measures", session=session, now=now)
