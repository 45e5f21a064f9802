"""The OS user a child process runs as, when it is not ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """An OS user by number; supplementary groups are dropped."""

    uid: int
    gid: int
