"""Our place among the machine's temporary files: sockets, and whole services where nothing else will do."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path

from onhand.embedded import lock
from onhand.embedded.errors import EmbeddedError, FolderInUse
from onhand.embedded.leftovers import stop_leftovers

SOCKET_PATH_BYTES_MAX = 103  # macOS; Linux allows four more
LONGEST_SOCKET = "0123456789ab/run/.s.PGSQL.5432.lock"
MADE_FOR = "made-for"
TEMPORARY = "(temporary)"
YOUNG_SECONDS = 60.0
MEMORY = Path("/dev/shm")  # noqa: S108 - as the temporary folder, it is checked below
MEMORY_BYTES_MIN = 6 * 2**30
"""What must be free for services to be kept in memory: several times what a run of all tests takes."""


def scratch_root(within: Path | None = None) -> Path:
    """`onhand-<uid>` in the temporary folder, or within another: ours alone to write in.

    Refused when somebody else made it first.
    """
    root = (within or Path(tempfile.gettempdir()).resolve()) / f"onhand-{os.geteuid()}"
    if len(os.fsencode(root / LONGEST_SOCKET)) > SOCKET_PATH_BYTES_MAX:
        root = Path("/tmp").resolve() / root.name  # noqa: S108 - it is checked below
    root.mkdir(mode=_mode(), exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise EmbeddedError(f"{root} is not a folder that only we can write in: remove it")
    root.chmod(_mode())  # whatever the umask
    return root


def scratch_for(folder: Path) -> Path:
    """The scratch folder of a folder: always the same one."""
    return _marked(hashlib.sha256(os.fsencode(folder)).hexdigest()[:12], str(folder))


def scratch_anew(*, in_memory: bool = False) -> Path:
    """A scratch folder of its own, for services that will be forgotten; in memory where that is asked for and roomy."""
    return _marked(os.urandom(6).hex(), TEMPORARY, MEMORY if in_memory and _is_roomy() else None)


def sweep() -> None:
    """Remove what ended processes left: temporary services nobody holds, and what belongs to folders that are gone."""
    roots = [scratch_root(), *(scratch_root(MEMORY) for _ in MEMORY.glob(f"onhand-{os.geteuid()}"))]
    for scratch in (scratch for root in roots for scratch in root.iterdir()):
        try:
            made_for = (scratch / MADE_FOR).read_text()
            needed = made_for != TEMPORARY and _needed(scratch, Path(made_for))
            age_seconds = time.time() - scratch.stat().st_mtime
        except OSError:
            continue  # not such a folder, or not ours to judge, or somebody else was faster
        if not needed and age_seconds > YOUNG_SECONDS:  # the maker of a young one may not hold it yet
            _remove_unless_held(scratch)


def _needed(scratch: Path, folder: Path) -> bool:
    """A missing folder may come back, its disk once mounted again: its data goes only if it was a temporary folder."""
    if folder.exists():
        return True
    return (scratch / "data").exists() and not folder.is_relative_to(Path(tempfile.gettempdir()).resolve())


def _remove_unless_held(scratch: Path) -> None:
    try:
        with lock.hold(scratch, scratch):
            stop_leftovers(scratch)
            shutil.rmtree(scratch, ignore_errors=True)
    except (FolderInUse, FileNotFoundError):
        return


def _is_roomy() -> bool:
    """Whether files can be kept in memory: Linux says how much of it is left, other systems have no such folder."""
    try:
        free = shutil.disk_usage(MEMORY).free
        [line] = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        return False
    return min(free, int(line.split()[1]) * 1024) >= MEMORY_BYTES_MIN


def _marked(name: str, made_for: str, within: Path | None = None) -> Path:
    scratch = scratch_root(within) / name
    scratch.mkdir(exist_ok=True)
    scratch.chmod(_mode())
    (scratch / MADE_FOR).write_text(made_for)
    return scratch


def _mode() -> int:
    """Root's server is another OS user and must pass; otherwise nobody else need."""
    return 0o755 if os.geteuid() == 0 else 0o700
