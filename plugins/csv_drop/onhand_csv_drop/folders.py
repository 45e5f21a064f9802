"""Watched folders: `$CSV_DROP_FOLDER/<source>/`, with `done/` and `failed/` beside the files. No database."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

__all__ = ["QUIET", "Found", "folder_of", "put_away", "ready"]

QUIET = "csv_drop.quiet_seconds"
BYTES_MAX = 8 * 1024 * 1024
FILES_MAX = 50


class Found(NamedTuple):
    """A file as it lies in its folder."""

    path: Path
    left_at: datetime
    data: bytes


def folder_of(source: str) -> Path | None:
    """Return the folder of a source; None where the site watches none. What people choose is a name, never a path."""
    root = os.environ.get("CSV_DROP_FOLDER")
    return Path(root) / source if root else None


def ready(folder: Path, now: datetime, quiet_seconds: int) -> Iterator[Found]:
    """Yield the files that are whole: `*.csv`, no longer written to; the oldest first. Links are not followed."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = sorted((path.lstat().st_mtime, path) for path in folder.glob("[!.]*.csv"))
    for mtime, path in waiting[:FILES_MAX]:
        left_at = datetime.fromtimestamp(mtime, UTC)
        if path.is_file() and not path.is_symlink() and left_at <= now - timedelta(seconds=quiet_seconds):
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
                yield Found(path, left_at, stream.read(BYTES_MAX + 1))  # one more, so that too long is noticed


def put_away(path: Path, outcome: str, *, at: datetime, is_failed: bool) -> None:
    """Write the outcome, then move the file beside it. Twice is harmless, and another may have done it meanwhile."""
    place = path.parent / ("failed" if is_failed else "done")
    place.mkdir(exist_ok=True)
    stem = f"{at:%Y%m%dT%H%M%S}-{path.stem}"
    (place / f"{stem}.outcome.csv").write_text(outcome, encoding="utf-8")
    path.rename(place / f"{stem}.csv")
