"""What can go wrong with embedded services, in words a person can act on."""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(RuntimeError):
    """Embedded services cannot be had; the message says why and what to do."""


class FolderInUse(EmbeddedError):
    """Another process runs its services in this folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.folder = folder
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{folder} is in use by {who}: stop it, or choose another folder")


class NotRunning(EmbeddedError):
    """Nobody runs services in this folder."""


class ServiceDied(EmbeddedError):
    """A server ended though nobody asked it to; the message ends with the last lines of its log."""

    def __init__(self, name: str, code: int | None, log: Path, tail: str) -> None:
        self.name = name
        self.code = code
        self.log = log
        super().__init__(f"{name} ended by itself (code {code}). The end of {log}:\n{tail}")
