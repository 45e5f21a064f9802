"""One supervised process through all of its lives."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

from onhand.supervise.child import Child
from onhand.supervise.guard import Guard
from onhand.supervise.guardian import Stopping
from onhand.supervise.output import Lines, OnLine
from onhand.supervise.spec import ProcessEnded, ProcessSpec

FIRST_DELAY_SECONDS = 0.5
DELAY_SECONDS_MAX = 30.0
STEADY_SECONDS = 10.0


class Slot:
    """Starts the process, notices its end, starts it again as its spec allows. Used by one thread at a time."""

    def __init__(self, spec: ProcessSpec, *, guard: Guard, on_line: OnLine) -> None:
        self.spec = spec
        self.restarts = 0
        self.child: Child | None = None
        self.lines: Lines | None = None
        self._guard = guard
        self._on_line = on_line
        self._crashes = 0
        self._started = 0.0
        self._due: float | None = None
        self._walk: Stopping | None = None
        self._over = False

    def start(self) -> None:
        """Start the process; OSError when there is no such program."""
        spec = self.spec
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(spec.log.open("ab")) if spec.log else subprocess.PIPE
            self.child = Child(
                spec.command,
                guard=self._guard,
                steps=((spec.stop_signal, spec.grace_seconds), (signal.SIGKILL, 5.0)),
                group=True,
                environment={"PYTHONUNBUFFERED": "1", **os.environ, **spec.environment},
                folder=spec.folder,
                output=output,
            )
        self._started = time.monotonic()
        self._due = None
        if self.child.output is not None:
            self.lines = Lines(self.child.output, lambda line: self._on_line(spec.name, line))

    def tend(self) -> ProcessEnded | None:
        """Start it again when that is due, and tell, once, that it has ended for good."""
        if self._over:
            return None
        if self._due is not None:
            return self._start_again() if time.monotonic() >= self._due else None
        code = self.child.poll() if self.child else None
        return None if code is None else self._after(code)

    def stop(self, *, at_once: bool) -> bool:
        """Go on stopping it, without waiting; True when it is gone."""
        self._due = None
        if self.child is None:
            return True
        if self._walk is None:
            self._walk = self.child.stopping()
        if at_once:
            self.child.send(signal.SIGKILL)
        if not self._walk.advance():
            return False
        self.close()
        return True

    def close(self) -> None:
        """Hand on its last words."""
        if self.lines is not None:
            self.lines.close()
            self.lines = None

    def _after(self, code: int) -> ProcessEnded | None:
        self.close()
        if time.monotonic() - self._started >= STEADY_SECONDS:
            self._crashes = 0
        ended = ProcessEnded(self.spec.name, code)
        if self._crashes >= self.spec.restarts_max:
            self._over = True
            return ended
        delay_seconds = min(FIRST_DELAY_SECONDS * 2**self._crashes, DELAY_SECONDS_MAX)
        self._crashes += 1
        self._due = time.monotonic() + delay_seconds
        self._on_line(self.spec.name, f"{ended}; starting it again in {delay_seconds:g} s")
        return None

    def _start_again(self) -> ProcessEnded | None:
        self.restarts += 1
        try:
            self.start()
        except OSError as error:
            self._on_line(self.spec.name, str(error))
            return self._after(127)
        return None
