"""One PostgreSQL and one Valkey per test run, started when the first test asks, stopped by whoever started them.

Under xdist the controller runs them, since a worker may end while others still test. Workers and controller meet in a
folder: a worker puts `wanted` there, the controller answers with `ready` (where the sockets are) or `failed`.
"""

import contextlib
import fcntl
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from onhand.embedded import Addresses, temporary_services

__all__ = ["Host", "ask", "locked", "own"]

SETTINGS = {
    "max_connections": "300",
    "log_min_duration_statement": "-1",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "5min",  # a run has a hundred databases, and this is for all of them together
}
START_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.02


class Host:
    """The controller's side: waits in a thread until somebody asks, then runs the services until `stop`."""

    def __init__(self) -> None:
        self.meeting = Path(tempfile.mkdtemp(prefix="onhand-tests-"))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="onhand-services", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the services, if anybody asked for them, and forget the meeting place."""
        self._done.set()
        self._thread.join()
        shutil.rmtree(self.meeting, ignore_errors=True)

    def _serve(self) -> None:
        while not (self.meeting / "wanted").exists():
            if self._done.wait(LOOK_SECONDS):
                return
        try:
            with own() as running:
                _tell(self.meeting / "ready", str(running.sockets))
                self._done.wait()
        except Exception as error:
            _tell(self.meeting / "failed", repr(error))
            raise


def ask(meeting: Path) -> Addresses:
    """Return where the services are that the controller runs, once they run; RuntimeError when it cannot."""
    (meeting / "wanted").touch()
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if (meeting / "ready").exists():
            return Addresses(Path((meeting / "ready").read_text()))
        if (meeting / "failed").exists():
            raise RuntimeError(f"the services did not start: {(meeting / 'failed').read_text()}")
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"the services did not start within {START_SECONDS_MAX:g} s")


@contextlib.contextmanager
def own() -> Iterator[Addresses]:
    """Run services for this process alone."""
    with temporary_services(settings=SETTINGS, in_memory=True) as running:
        yield running


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that all processes of one test run share."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tell(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)
