"""Our end of the guardian's pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from onhand.supervise import guardian

_open_guards: weakref.WeakSet[Guard] = weakref.WeakSet()


class Guard:
    """Sees to it that watched processes do not outlive us, whatever ends us: return, exception, signal, kill -9.

    Left with something still watched, it stops that before it returns. Between starting a process and having it
    watched lie microseconds in which a kill -9 of ours leaves it alone; servers are found again by their folder.
    """

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}
        self._lock = threading.Lock()
        self._process = self._launch()
        _open_guards.add(self)

    @property
    def pid(self) -> int:
        """The guardian's pid."""
        return self._process.pid

    def watch(self, pid: int, steps: Sequence[tuple[int, float]], *, group: bool) -> None:
        """Have `pid` stopped after us: each signal in turn, waiting its seconds. `group`: its process group as well."""
        walk = " ".join(f"{int(number)}:{seconds:g}" for number, seconds in steps)
        line = f"watch {pid} {'group' if group else 'leader'} {walk}\n"
        with self._lock:
            self._lines[pid] = line
            self._tell(line)

    def forget(self, pid: int) -> None:
        """It ended; its number may soon be somebody else's."""
        with self._lock:
            if self._lines.pop(pid, None) is not None:
                self._tell(f"forget {pid}\n")

    def close(self) -> None:
        """Stop what is still watched, and return when it is gone."""
        with self._lock:
            self.let_go()
            self._process.wait()
            self._lines.clear()

    def let_go(self) -> None:
        """Close our end of the pipe only."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(Path(guardian.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            bufsize=0,
            start_new_session=True,  # the terminal's Ctrl-C and its closing must not reach it
        )

    def _tell(self, line: str) -> None:
        if self._process.stdin is None or self._process.stdin.closed:
            return
        try:
            self._process.stdin.write(line.encode())
        except BrokenPipeError:  # somebody killed the guardian: a new one takes over everything
            self.let_go()
            self._process.wait()
            self._process = self._launch()
            if self._process.stdin is not None:
                self._process.stdin.write("".join(self._lines.values()).encode())


def _leave_pipes_to_the_parent() -> None:
    for guard in list(_open_guards):
        guard.let_go()


# A forked copy of us that held the pipe would hide our death from the guardian.
os.register_at_fork(after_in_child=_leave_pipes_to_the_parent)
