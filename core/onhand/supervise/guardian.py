"""The guardian: stops what a process that died has left behind.

Run as a script with nothing but the standard library. Its standard input is a pipe whose other end only the guarded
process holds, so end of file means that process is gone, however it went (kill -9 included). One line per change:

    watch PID leader|group SIGNAL:SECONDS ...     stop it with these signals, waiting so long after each
    forget PID
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable

TICK_SECONDS = 0.02


class Stopping:
    """Walks one process through its stop signals, a step per call, so that several can be stopped side by side."""

    def __init__(
        self, steps: Iterable[tuple[int, float]], *, gone: Callable[[], bool], send: Callable[[int], None]
    ) -> None:
        self._steps = list(steps)
        self._gone = gone
        self._send = send
        self._deadline = time.monotonic()

    def advance(self) -> bool:
        """Send the next signal if it is due. True when nothing is left to do: it is gone, or no signal helps."""
        if self._gone():
            return True
        if time.monotonic() < self._deadline:
            return False
        if not self._steps:
            return True
        number, grace_seconds = self._steps.pop(0)
        self._deadline = time.monotonic() + grace_seconds
        self._send(number)
        return False


class Ward:
    """A process to stop; where the kernel has handles for processes, a later one of the same pid is safe from us."""

    def __init__(self, pid: int, *, group: bool, steps: Iterable[tuple[int, float]]) -> None:
        self.pid = pid
        self.group = group
        self.steps = list(steps)
        self.handle: int | None = None
        with contextlib.suppress(OSError, AttributeError):  # not Linux, or an old or a confined kernel
            self.handle = os.pidfd_open(pid)

    def gone(self) -> bool:
        """A zombie counts as gone where the kernel tells us: whether it is ever reaped is not our business."""
        if self.handle is not None:
            return bool(select.select([self.handle], [], [], 0)[0])
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def send(self, number: int) -> None:
        """Send a signal; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.handle is not None:
                signal.pidfd_send_signal(self.handle, number)
            else:
                os.kill(self.pid, number)

    def close(self) -> None:
        """Let go of it."""
        if self.handle is not None:
            os.close(self.handle)

    def sweep(self) -> None:
        """Kill what it leaves behind in its process group."""
        if self.group:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def listen(lines: Iterable[str]) -> dict[int, Ward]:
    """Follow the changes until the pipe closes; what is still watched then is returned."""
    wards: dict[int, Ward] = {}
    for line in lines:
        verb, pid, *rest = line.split()
        if verb == "watch":
            steps = [(int(number), float(seconds)) for number, seconds in (step.split(":") for step in rest[1:])]
            wards[int(pid)] = Ward(int(pid), group=rest[0] == "group", steps=steps)
        elif int(pid) in wards:
            wards.pop(int(pid)).close()
    return wards


def stop(wards: Iterable[Ward]) -> None:
    """Stop them all, side by side."""
    walks = [(ward, Stopping(ward.steps, gone=ward.gone, send=ward.send)) for ward in wards]
    while walks:
        remaining = []
        for ward, walk in walks:
            if walk.advance():
                ward.sweep()
                ward.close()
            else:
                remaining.append((ward, walk))
        walks = remaining
        if walks:
            time.sleep(TICK_SECONDS)


def main() -> None:
    """Deaf to what stops its parent, because that is when it has work to do."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(listen(sys.stdin).values())


if __name__ == "__main__":
    main()
