"""One holder per folder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onhand.embedded.errors import FolderInUse

NAME = "lock"
PATIENCE_SECONDS = 0.3  # somebody who only asks who holds it has it for an instant


@dataclass(frozen=True)
class Holder:
    """What the holder of a folder wrote about itself."""

    pid: int | None
    sockets: Path | None


@contextlib.contextmanager
def hold(home: Path, sockets: Path) -> Iterator[None]:
    """Hold the folder; FolderInUse when another process does. The kernel lets go of it however we end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (descriptor := _lock(home)) is None:
        if time.monotonic() > deadline:
            raise FolderInUse(home, holder(home).pid)
        time.sleep(0.02)
    try:
        noted = json.dumps({"pid": os.getpid(), "sockets": str(sockets)}).encode()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, noted, 0)
        yield
    finally:
        os.close(descriptor)


def held(home: Path) -> bool:
    """Whether somebody holds the folder now."""
    if not (home / NAME).exists():
        return False
    if (descriptor := _lock(home)) is None:
        return True
    os.close(descriptor)
    return False


def holder(home: Path) -> Holder:
    """What the last holder wrote; it may have just begun, or be long gone."""
    try:
        noted = json.loads((home / NAME).read_text())
        return Holder(int(noted["pid"]), Path(noted["sockets"]))
    except (OSError, ValueError, KeyError):
        return Holder(None, None)


def _lock(home: Path) -> int | None:
    """The locked file's descriptor, or None when another has it locked."""
    while True:
        descriptor = os.open(home / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _still_there(home, descriptor):
            return descriptor
        os.close(descriptor)


def _still_there(home: Path, descriptor: int) -> bool:
    """False when the file was removed between opening and locking it: a lock on that is none."""
    try:
        return os.path.samestat((home / NAME).stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
