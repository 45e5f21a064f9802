"""Look-ups of principals, remembered per process for a few seconds."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from onhand.access.principal import Principal

__all__ = ["CACHE_SECONDS", "ENTRIES_MAX", "ShortMemory", "principals"]

T = TypeVar("T")
CACHE_SECONDS = 3.0
ENTRIES_MAX = 10_000
STRIPES = 16


class ShortMemory(Generic[T]):
    """Remember what a look-up found, nothing included, for at most `CACHE_SECONDS`.

    So a revocation or a change of role takes effect everywhere within that time, and the hot path does not query. Of
    threads that miss the same key at once, one asks. Safe between threads; full, it forgets everything.
    """

    def __init__(self, seconds: float = CACHE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries: dict[Hashable, tuple[float, T | None]] = {}
        self._locks = tuple(threading.Lock() for _ in range(STRIPES))
        self._seconds = seconds
        self._clock = clock

    def get(self, key: Hashable, look_up: Callable[[], tuple[T | None, float]]) -> T | None:
        """Return what is remembered, else `look_up()`: what there is, and for how many seconds that holds."""
        entry = self._entries.get(key)
        if entry is not None and self._clock() < entry[0]:
            return entry[1]
        with self._locks[hash(key) % STRIPES]:
            entry = self._entries.get(key)
            if entry is not None and self._clock() < entry[0]:
                return entry[1]
            asked_at = self._clock()
            found, holds_seconds = look_up()
            if len(self._entries) >= ENTRIES_MAX:
                self._entries.clear()
            self._entries[key] = (asked_at + min(holds_seconds, self._seconds), found)
            return found

    def forget(self) -> None:
        """Forget everything, so that a change made here is seen here at once."""
        self._entries.clear()


principals: ShortMemory[Principal] = ShortMemory()
