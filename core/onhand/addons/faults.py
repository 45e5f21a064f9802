"""Faults: why an installed add-on does not run, and what to do about it. One that is broken stops nobody else."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Self

__all__ = ["LATE", "MEND", "START_SECONDS_MAX", "BrokenAddon", "Fault", "Passing", "blame"]

MEND = "mend it, or uninstall it"
LATE = "run `onhand migrate`; it is taken up again by itself"
START_SECONDS_MAX = 60.0
"""How long one step of one add-on's start may take, on a machine as busy as one after a power cut: an import, a hook that
is asked, its revisions read. What takes longer hangs."""
AGAIN_SECONDS = 0.25
"""Where the exception is swallowed, in a callback of the garbage collector say, another follows."""
TEXT_MAX = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """An add-on that does not run. `reason` goes on from its name: `requires lamp, which is not installed`."""

    noun: str
    reason: str
    advice: str = MEND

    @property
    def is_late(self) -> bool:
        """Whether nothing is wrong but that its tables are still to be made."""
        return self.advice == LATE

    def __str__(self) -> str:
        return f"the add-on {self.noun!r} {self.reason}: {self.advice}"


class BrokenAddon(Exception):
    """An add-on that cannot be started; the message names it, why, and what to do. `more`: others found beside it."""

    def __init__(self, fault: Fault, more: Sequence[Fault] = ()) -> None:
        self.fault = fault
        self.more = tuple(more)
        super().__init__(str(fault))

    @classmethod
    def of(cls, noun: str, reason: str, advice: str = MEND) -> Self:
        """Return the error for a reason."""
        return cls(Fault(noun, reason, advice))


class Passing(Exception):
    """Raised through a hook and no failure of its add-on: the command is run again, or somebody else is told."""


class TooSlow(BaseException):
    """A step of the start took too long. No Exception, so that nothing that means well swallows it."""


@contextmanager
def blame(noun: str, doing: str, advice: str = MEND, *, cut: bool = True) -> Iterator[None]:
    """Turn whatever the block raises, `sys.exit` too, into BrokenAddon: `noun` did it in `doing`.

    In the main thread, where sites start, a block that does not end is cut off after `START_SECONDS_MAX`, unless it may
    take its time: `cut=False`.
    """
    try:
        with _cut_off(START_SECONDS_MAX if cut else 0):
            yield
    except BrokenAddon:
        raise
    except TooSlow as error:
        raise BrokenAddon.of(noun, f"took longer than {START_SECONDS_MAX:g} s {doing}", advice) from error
    except SystemExit as error:
        raise BrokenAddon.of(noun, f"ended the process {doing}", advice) from error
    except Exception as error:
        raise BrokenAddon.of(noun, f"raised {told(error)} {doing}", advice) from error


def told(error: BaseException) -> str:
    """Return an error in one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"


@contextmanager
def _cut_off(seconds: float) -> Iterator[None]:
    if (
        not seconds
        or threading.current_thread() is not threading.main_thread()
        or signal.getitimer(signal.ITIMER_REAL)[0]
    ):
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
