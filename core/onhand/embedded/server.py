"""A server we run: what PostgreSQL and Valkey have in common."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from onhand.embedded.errors import EmbeddedError, ServiceDied
from onhand.supervise import KILL, Account, Child, Guard, Steps

LOG_BYTES_MAX = 16_000_000
TAIL_BYTES = 2_000
POLL_SECONDS = 0.005


class ServerProcess(ABC):
    """One server process, which can be started again after it was stopped, killed or has crashed."""

    name: ClassVar[str]

    def __init__(self, *, log: Path, folder: Path, guard: Guard, steps: Steps, account: Account | None = None) -> None:
        self.log = log
        self._folder = folder
        self._guard = guard
        self._steps = steps
        self._account = account
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The pid of the server process; EmbeddedError when it does not run."""
        if self._child is None or not self.running:
            raise EmbeddedError(f"{self.name} does not run")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.poll() is None

    def start(self, timeout_seconds: float = 60.0) -> None:
        """Start it and wait until it answers. After a crash PostgreSQL recovers first, hence the patience."""
        self.launch()
        self.wait_ready(timeout_seconds)

    def launch(self) -> None:
        """Start it without waiting. Nothing happens when it runs."""
        if self.running:
            return
        self._prepare()
        self._set_old_log_aside()
        with self.log.open("ab") as output:
            self._child = Child(
                self._command(),
                guard=self._guard,
                steps=self._steps,
                environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
                folder=self._folder,
                output=output,
                account=self._account,
            )

    def wait_ready(self, timeout_seconds: float = 60.0) -> None:
        """Wait until it answers; ServiceDied when it ends instead, EmbeddedError when the time is up."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            self.check()
            if self._ready():
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} is not ready after {timeout_seconds:g} s:\n{self._tail()}")
            time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raise ServiceDied when it has ended though `stop` was not called."""
        if self._child is not None and (code := self._child.poll()) is not None:
            raise ServiceDied(self.name, code, self.log, self._tail())

    def kill(self) -> None:
        """SIGKILL, as a crash would; `check` then reports it dead, `start` starts it again."""
        if self._child is not None:
            self._child.stop(KILL)

    def stop(self) -> None:
        """Stop it and wait. Nothing happens when it does not run."""
        self._end(self._steps)

    def _end(self, steps: Steps) -> None:
        if self._child is not None:
            self._child.stop(steps)
            self._child = None

    @abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    def _set_old_log_aside(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _tail(self) -> str:
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace")
