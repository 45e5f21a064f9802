"""From bytes in a pipe to whole lines on a terminal."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterable
from typing import IO

OnLine = Callable[[str, str], None]

CHUNK_BYTES = 65_536
LINE_BYTES_MAX = 1_000_000


def print_line(name: str, line: str) -> None:
    """Print `line` after the name of the process that said it."""
    sys.stdout.write(f"{name:<10} | {line}\n")
    sys.stdout.flush()


class Lines:
    """Reads a child's pipe without ever waiting for it; hands on whole lines, the last one even if unfinished."""

    def __init__(self, pipe: IO[bytes], hand_on: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._hand_on = hand_on
        self._rest = b""
        self.ended = False
        os.set_blocking(pipe.fileno(), False)

    def fileno(self) -> int:
        """For `select`."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Hand on what is there; False when nothing is there now, or ever again."""
        try:
            chunk = os.read(self._pipe.fileno(), CHUNK_BYTES)
        except BlockingIOError:
            return False
        self.ended = not chunk
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            whole, self._rest = [*whole, self._rest], b""
        for line in whole:
            self._say(line)
        return bool(chunk)

    def close(self) -> None:
        """Hand on what is left and close the pipe, even if a grandchild still holds its other end."""
        for _ in range(1_000):  # a grandchild that floods the pipe must not keep us
            if not self.read():
                break
        if self._rest:
            self._say(self._rest)
        self._pipe.close()

    def _say(self, line: bytes) -> None:
        self._hand_on(line.decode(errors="replace").rstrip("\r"))


def read_for(seconds: float, pipes: Iterable[Lines]) -> None:
    """Wait at most so long for any of the pipes to say something, and hand it on."""
    waiting = select.poll()
    by_number = {lines.fileno(): lines for lines in pipes if not lines.ended}
    for number in by_number:
        waiting.register(number, select.POLLIN)
    for number, _event in waiting.poll(seconds * 1_000):
        by_number[number].read()
