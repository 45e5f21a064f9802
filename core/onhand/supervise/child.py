"""One child process of ours, from start to reaping."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from onhand.supervise.account import Account
from onhand.supervise.guard import Guard
from onhand.supervise.guardian import TICK_SECONDS, Stopping

Steps = Sequence[tuple[signal.Signals, float]]

KILL: Steps = ((signal.SIGKILL, 5.0),)


class Child:
    """A process started in its own session, so that signals meant for us do not reach it, and watched by a guard.

    `group`: the leader alone is asked to stop (it knows its own children); whatever it leaves behind is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        guard: Guard,
        steps: Steps,
        group: bool = False,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        output: int | IO[bytes] = subprocess.DEVNULL,
        account: Account | None = None,
    ) -> None:
        self._guard = guard
        self._steps = steps
        self._group = group
        self._reaped = False
        self._process = subprocess.Popen(  # noqa: S603 - no shell; the command is its caller's
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=None if environment is None else dict(environment),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        guard.watch(self._process.pid, steps, group=group)

    @property
    def pid(self) -> int:
        """Its process id; also the id of its session and group."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes] | None:
        """What it prints, when it was started with `output=subprocess.PIPE`."""
        return self._process.stdout

    @property
    def alive(self) -> bool:
        """False once its end was noticed."""
        return self._process.returncode is None

    def poll(self) -> int | None:
        """The exit code once it has ended (minus the signal's number when one ended it), else None."""
        code = self._process.poll()
        if code is not None and not self._reaped:
            self._reaped = True
            if self._group:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
            self._guard.forget(self.pid)
        return code

    def send(self, number: int) -> None:
        """Send a signal to the process; nothing happens when it has ended."""
        self._process.send_signal(number)

    def stopping(self, steps: Steps | None = None) -> Stopping:
        """The walk through its stop signals, to be advanced by the caller."""
        return Stopping(self._steps if steps is None else steps, gone=lambda: self.poll() is not None, send=self.send)

    def stop(self, steps: Steps | None = None) -> int | None:
        """Stop it and wait; the exit code, or None when it survived every signal. Twice is harmless."""
        walk = self.stopping(steps)
        while not walk.advance():
            time.sleep(TICK_SECONDS)
        return self.poll()

    def wait(self, timeout_seconds: float) -> int | None:
        """Wait for it to end by itself; None when the time is up first."""
        deadline = time.monotonic() + timeout_seconds
        while (code := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS)
        return code
