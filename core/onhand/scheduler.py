"""The scheduler process: one leader repeats relay, sweep, schedules and the add-ons' loops; the others stand by."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import structlog
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from onhand.addons.registry import Addons
from onhand.contributions import Loop
from onhand.db import db
from onhand.jobs.perform import active_entities
from onhand.jobs.sweeper import sweep
from onhand.metrics import loop_failures
from onhand.recycling import Renewal
from onhand.relay import relay
from onhand.schedules import mirror, tick
from onhand.transaction import run
from onhand.watching import Watch

__all__ = ["Scheduler", "main"]

log = structlog.get_logger("onhand.scheduler")

LEADER_KEY = 0x6F6E_6C65_6164  # "onlead"
HEARTBEAT_SECONDS = 1.0
STOP_SECONDS_MAX = 10.0
FAILURE_PAUSE_SECONDS = 2.0
SCOPE_SECONDS_MAX = 2.0
STEP_SECONDS_MAX = 60.0
"""A step does one small batch: one that takes longer is taken for stuck."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Something repeated: `step` does one small batch and returns how much it did."""

    name: str
    step: Callable[[], int]
    idle_seconds: float


class Scheduler:
    """Repeats its loops while it leads. Leadership is an advisory lock on a connection of its own.

    A leader that loses the connection notices within a second and stops; until then two may run, which no loop minds:
    each claims its rows.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stop = threading.Event()
        self.leading = threading.Event()

    def stop(self) -> None:
        """Ask it to finish the step in hand, give up leadership and return from `serve`."""
        self._stop.set()

    def serve(self) -> None:
        """Stand by, lead, and stand by again, until stopped. A database that is away is waited for."""
        while not self._stop.is_set():
            try:
                with self._app.app_context(), self._elected() as connection:
                    if connection is not None:
                        self._lead(connection)
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("database_away", error=str(error))
            self._stop.wait(HEARTBEAT_SECONDS)

    @contextmanager
    def _elected(self) -> Iterator[Connection | None]:
        with db.engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # so that closing it really ends the session, and the lock with it
            elected = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_KEY}).scalar()
            yield connection if elected else None

    def _lead(self, connection: Connection) -> None:
        tasks = self._tasks()
        over = threading.Event()
        threads = [
            threading.Thread(target=self._repeat, args=(task, over), name=f"onhand-{task.name}", daemon=True)
            for task in tasks
        ]
        log.info("leading", loops=[task.name for task in tasks])
        for thread in threads:
            thread.start()
        self.leading.set()
        try:
            while not self._stop.wait(HEARTBEAT_SECONDS):
                connection.execute(text("SELECT 1"))
        finally:
            self.leading.clear()
            over.set()
            deadline = time.monotonic() + STOP_SECONDS_MAX
            for thread in threads:
                thread.join(max(deadline - time.monotonic(), 0))
            log.info("leading_no_more", unfinished=[thread.name for thread in threads if thread.is_alive()])

    def _tasks(self) -> list[_Task]:
        addons: Addons = self._app.extensions["onhand"]
        schedules = addons.gather("schedules")
        run(lambda session, now: mirror(session, schedules, now=now), entities=())
        contributed = [
            _Task(loop.name, _scoped(addons, noun, loop), loop.idle_seconds)
            for noun, loops in addons.gather_by_addon("loops")
            for loop in loops
        ]
        return [
            _Task("relay", relay, 0.1),
            _Task("sweeper", sweep, 1.0),
            _Task("schedules", tick, 1.0),
            *contributed,
        ]

    def _repeat(self, task: _Task, over: threading.Event) -> None:
        while not over.is_set():
            try:
                with self._app.app_context():
                    worked = task.step()
            except Exception:
                loop_failures.labels(task.name).inc()
                log.exception("loop_failed", loop=task.name)
                over.wait(FAILURE_PAUSE_SECONDS)
            else:
                if not worked:
                    over.wait(task.idle_seconds)


def _scoped(addons: Addons, noun: str, loop: Loop) -> Callable[[], int]:
    """Give a loop the entities where its add-on is active; looked up again every two seconds."""
    known: tuple[int, ...] = ()
    looked_up = float("-inf")

    def step() -> int:
        nonlocal known, looked_up
        if time.monotonic() - looked_up > SCOPE_SECONDS_MAX:
            known = run(lambda session, now: active_entities(session, noun, now), entities=())
            looked_up = time.monotonic()
        if not known:
            return 0
        return addons.boundary.at_work(noun, loop.name, "loop", lambda: loop.step(known), seconds_max=STEP_SECONDS_MAX)

    return step


def main(app: Flask) -> None:
    """Run the scheduler in this process until SIGTERM or SIGINT."""
    scheduler = Scheduler(app)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: scheduler.stop())
    renewal = Renewal(scheduler.stop)
    Watch(app, renewal).start()
    scheduler.serve()
    if renewal.is_due:
        renewal.begin_anew()
