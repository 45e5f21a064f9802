"""Addresses: of static files, changing with their content, and of the page at hand with another query."""

import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlencode

from flask import request, url_for

__all__ = ["STATIC", "asset", "this_page"]

STATIC = Path(__file__).parent / "static"


def asset(name: str) -> str:
    """Return the address of a file of the shell's `static/onhand/`, with the digest of its content."""
    path = STATIC / "onhand" / name
    return url_for("shell.static", filename=f"onhand/{name}", v=_digest(path, path.stat().st_mtime_ns))


def this_page(**changes: object) -> str:
    """Return the address of the page at hand with parts of its query changed; None takes a part out."""
    query = {**request.args.to_dict(flat=False), **{name: [str(value)] for name, value in changes.items()}}
    kept = {name: values for name, values in query.items() if name not in changes or changes[name] is not None}
    return f"{request.path}?{urlencode(kept, doseq=True)}" if kept else request.path


@lru_cache(maxsize=256)
def _digest(path: Path, changed_ns: int) -> str:
    """The time of change is part of the cache's key only: an edited file gets a new address without a restart."""
    del changed_ns
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
