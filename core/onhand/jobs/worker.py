"""The worker process: does the jobs whose ids Redis brings, and those that PostgreSQL has waited with for too long."""

import signal
import threading
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

import dramatiq
import redis
import structlog
from flask import Flask

from onhand.jobs.perform import perform
from onhand.jobs.setup import Jobs
from onhand.recycling import Renewal
from onhand.watching import Watch

__all__ = ["Worker", "main"]

log = structlog.get_logger("onhand.worker")

OVERDUE_BY = timedelta(seconds=3)
IDLE_SECONDS = 1.0
FETCH_IDLE_MS = 250
STOP_MS_MAX = 20_000


class Worker:
    """Threads fed by Redis, and one that looks into PostgreSQL itself, so that work goes on while Redis is away."""

    def __init__(self, app: Flask, *, threads: int = 4, queues: Collection[str] | None = None) -> None:
        self._app = app
        self._jobs: Jobs = app.extensions["onhand.jobs"]
        self._queues = tuple(queues) if queues else self._jobs.queues
        self._threads = threads
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask it to finish the jobs in hand and return from `serve`; what it has not begun stays due."""
        self._stop.set()

    def serve(self) -> None:
        """Do jobs until stopped."""
        carrier = self._jobs.carrier
        for queue in self._queues:
            carrier.declare(queue, self._perform)
        worker = dramatiq.Worker(carrier.broker, worker_timeout=FETCH_IDLE_MS, worker_threads=self._threads)
        worker.start()
        direct = threading.Thread(target=self._look, name="onhand-direct", daemon=True)
        direct.start()
        log.info("working", queues=list(self._queues), threads=self._threads)
        self._stop.wait()
        with suppress(redis.RedisError):  # ids it could not give back are found by the sweeper
            worker.stop(timeout=STOP_MS_MAX)
        direct.join(STOP_MS_MAX / 1000)
        log.info("stopped")

    def _perform(self, job_id: int) -> None:
        with self._app.app_context():
            perform(job_id)

    def _look(self) -> None:
        """Take what is overdue without waiting to be told. Also what serves queues that only old rows name."""
        while not self._stop.is_set():
            outcome = None
            try:
                with self._app.app_context():
                    outcome = perform(overdue_by=OVERDUE_BY)
            except Exception:
                log.exception("look_failed")
            if outcome is None:
                self._stop.wait(IDLE_SECONDS)


def main(app: Flask, *, threads: int = 4, queues: Collection[str] | None = None) -> None:
    """Run a worker in this process until SIGTERM or SIGINT."""
    worker = Worker(app, threads=threads, queues=queues)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stop())
    renewal = Renewal(worker.stop)
    Watch(app, renewal).start()
    worker.serve()
    if renewal.is_due:
        renewal.begin_anew()
