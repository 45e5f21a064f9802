"""The keeper: one thread per process that extends the claims of jobs in work, so that leases can be short."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from flask import Flask

from onhand.jobs.claims import Claimed, extend
from onhand.transaction import run

__all__ = ["Keeper"]

log = structlog.get_logger("onhand.jobs")

EXTEND_EVERY_SECONDS = 3.0


class Keeper:
    """Keeps claims for as long as the process lives, but none longer than its actor may take.

    The thread exists only while something is kept. When the process is killed, its claims end within one lease.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._until: dict[UUID, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def keep(self, claimed: Claimed, *, seconds_max: float) -> Iterator[None]:
        """Keep a claim while the block runs."""
        with self._lock:
            self._until[claimed.claim] = time.monotonic() + seconds_max
            if self._thread is None:
                self._thread = threading.Thread(target=self._extend, name="onhand-keeper", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._until[claimed.claim]

    def _extend(self) -> None:
        while True:
            time.sleep(EXTEND_EVERY_SECONDS)
            with self._lock:
                if not self._until:
                    self._thread = None
                    return
                claims = [token for token, until in self._until.items() if until > time.monotonic()]
            if not claims:
                continue
            try:
                with self._app.app_context():
                    run(lambda session, now, held=claims: extend(session, held, now=now), entities=())  # type: ignore[misc]  # mypy infers no lambda with defaults
            except Exception:
                log.exception("claims_not_extended", jobs=len(claims))
