"""What threads remember of the database: read again when its version changes, never set back by a slower reader."""

from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Latest"]

T = TypeVar("T")
UNREAD = -1


class Latest(Generic[T]):
    """A value that every transaction shares, and the version of it that was read."""

    def __init__(self, value: T) -> None:
        self.value = value
        self.version = UNREAD
        self._turns = count(1)
        self._turn = 0
        self._lock = Lock()

    def refresh(self, version: int, read: Callable[[], T]) -> None:
        """Read the value again where a transaction sees another version of it.

        Of two threads that read at once the one that began later is believed: it cannot have seen less. A version need
        not be greater than the last, since a database may be restored to an earlier time.
        """
        if version == self.version:
            return
        turn = next(self._turns)
        value = read()
        with self._lock:
            if turn > self._turn:
                self.value, self.version, self._turn = value, version, turn

    def forget(self) -> None:
        """Have the next transaction read it, whatever its version."""
        with self._lock:
            self.version = UNREAD
