"""Beginning anew: how a process whose thread does not end makes room for a fresh one, within seconds."""

import os
import signal
import sys
import threading
from collections.abc import Callable

from onhand.lockwatch import disarm

__all__ = ["Renewal", "end_web_process"]

GRACE_SECONDS = 3.0
"""What others have in hand may finish for so long."""


def end_web_process() -> None:
    """Have this web process finish what it can and end; gunicorn starts another in its place."""
    os.kill(os.getpid(), signal.SIGTERM)
    _later(lambda: os._exit(1))


class Renewal:
    """Has this process stop, and run its own command again in its place: under the same number, whoever supervises it."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.is_due = False

    def __call__(self) -> None:
        """Stop, and begin anew: once stopped, or after a few seconds all the same."""
        self.is_due = True
        _later(self.begin_anew)
        self._stop()

    def begin_anew(self) -> None:
        """Replace this process by its own command. Open files and connections are closed; does not return."""
        disarm()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the very command it was started by


def _later(function: Callable[[], None]) -> None:
    timer = threading.Timer(GRACE_SECONDS, function)
    timer.daemon = True
    timer.start()
