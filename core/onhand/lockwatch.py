"""The interpreter's lock: who keeps it in C code stops every thread of its process, and the watch among them.

A catastrophic regular expression does so. No Python of ours runs then, but the kernel counts the processor's time: a clock
that one thread puts back every second runs out. It signals the very thread that burns the time, whose stack is written
down without the lock, and ends the process. Whoever watches on this host reads what was left, and knows whom to blame.

The clock stands still while the process does, so that no hook is blamed for a host that was stopped or starved. Linux only:
elsewhere the signal goes to any thread.
"""

import faulthandler
import fcntl
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from onhand.addons import boundary

__all__ = ["Keeper", "disarm", "keeper", "left_behind", "watch_lock"]

TICK_SECONDS = 1.0
MARGIN_SECONDS = 2.0
"""A hook that lets go of the lock is noticed by the watch, which is to be first."""
CALLS = frozenset({"bounded", "contributed"})
FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+) in (?P<name>.+)$', re.MULTILINE)
_disarmed = threading.Event()


class Keeper(NamedTuple):
    """The add-on whose hook kept the lock, and where it was called."""

    noun: str
    function: str
    place: str


def watch_lock(folder: Path, seconds_max: float) -> IO[str] | None:
    """End this process once a thread of it has kept the lock for so many seconds of the processor's time, and soon after.

    Its stack is left in `folder`, in the file returned; None where the signal would not tell which thread it was.
    """
    if sys.platform != "linux":
        return None
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{os.getpid()}.new"
    file = new.open("w")
    fcntl.flock(file, fcntl.LOCK_EX)  # who can take this lock knows that we have ended
    new.rename(new.with_suffix(".stack"))
    faulthandler.register(signal.SIGPROF, file=file, all_threads=False, chain=True)
    seconds = seconds_max + MARGIN_SECONDS

    def pulse() -> None:
        while not _disarmed.is_set():
            signal.setitimer(signal.ITIMER_PROF, seconds)
            _disarmed.wait(TICK_SECONDS)

    threading.Thread(target=pulse, name="onhand-pulse", daemon=True).start()
    return file


def disarm() -> None:
    """Let the clock be: it would go on in the command that takes this process's place."""
    _disarmed.set()
    signal.setitimer(signal.ITIMER_PROF, 0)


def left_behind(folder: Path) -> Iterator[str]:
    """Yield the stacks of processes that ended for keeping the lock. Each is told once, to whoever asks first."""
    for path in folder.glob("*.stack"):
        try:
            with path.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_nlink == 0:
                    continue
                stack = file.read()
                path.unlink()
        except OSError:  # its process lives, or another has read it
            continue
        if stack:
            yield stack


def keeper(stack: str, packages: Mapping[str, Path]) -> Keeper | None:
    """Return whose hook a stack ends in, by the folders of add-ons' packages; None where it was in none."""
    frames = [found.groupdict() for found in FRAME.finditer(stack)]
    called = [frame["file"] == boundary.__file__ and frame["name"] in CALLS for frame in frames]
    if True not in called:
        return None
    for frame in reversed(frames[: called.index(True)]):
        for noun, package in packages.items():
            if Path(frame["file"]).is_relative_to(package):
                return Keeper(noun, frame["name"], f"{Path(frame['file']).relative_to(package.parent)}:{frame['line']}")
    return None
