"""How web processes share connections: the next goes to one that has no more than the others.

All processes that listen on one socket are woken by a connection, and the first awake takes it. Left at that, one of two
processes got all of eight connections or 20 to 30 of 32, and a core stood idle for as long as they were kept. So each
process says in memory they share how many it has. One that has more lets a moment pass, and takes the connection only if
nobody else has.
"""

import mmap
import time
from collections.abc import Iterator

__all__ = ["Seats", "Share"]

PROCESSES_MAX = 64
ABSENT = -1
HESITATE_SECONDS = 0.001
"""The least that a wait for connections can last, and more than an idle process needs to wake up."""


class Seats:
    """How many connections each process has, in memory that is shared with the processes forked afterwards."""

    def __init__(self) -> None:
        self._counts = memoryview(mmap.mmap(-1, 4 * PROCESSES_MAX)).cast("i")
        for seat in range(PROCESSES_MAX):
            self._counts[seat] = ABSENT

    def take(self) -> "Share":
        """Return the share of a process that is about to be forked; one beyond the 64th has its own to itself."""
        free = next((seat for seat in range(PROCESSES_MAX) if self._counts[seat] == ABSENT), None)
        if free is None:
            return Share(memoryview(bytearray(4)).cast("i"), 0)
        self._counts[free] = 0
        return Share(self._counts, free)


class Share:
    """One process among those that take connections."""

    def __init__(self, counts: "memoryview[int]", seat: int) -> None:
        self._counts = counts
        self._seat = seat
        self._until: float | None = None
        self._is_over = False

    def tell(self, connections: int) -> None:
        """Tell the others how many connections this one has."""
        self._counts[self._seat] = connections

    def leave(self) -> None:
        """Tell the others that this one takes no more; its seat is free when it has ended."""
        self._counts[self._seat] = ABSENT

    def lets_others(self, connections: int) -> bool:
        """Tell whether to step back from what is offered: yes for a moment, where another has clearly fewer.

        Clearly: by more than an eighth, so that hundreds who come at once need not all be shared out one by one. What
        is still there when the moment is over is taken: a process that hangs keeps no connection waiting.
        """
        least = min(self._others(), default=connections)
        if self._is_over or connections <= least + least // 8:
            self._is_over = False
            return False
        self._until = time.monotonic() + HESITATE_SECONDS
        return True

    @property
    def is_back(self) -> bool:
        """Whether this one has stepped back, and is not to look whether there are connections."""
        return self._until is not None

    def seconds(self, most: float) -> float:
        """Return how long the next wait may last."""
        if self._is_over:
            return 0.0
        return most if self._until is None else min(most, max(self._until - time.monotonic(), 0.0))

    def waited(self) -> None:
        """Come forward again, after a wait, if the moment is over."""
        self._is_over = self._until is not None and time.monotonic() >= self._until
        if self._is_over:
            self._until = None

    def _others(self) -> Iterator[int]:
        return (count for seat, count in enumerate(self._counts) if seat != self._seat and count != ABSENT)
