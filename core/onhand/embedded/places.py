"""Where the services of a folder keep their things."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from onhand.embedded.account import reachable, server_account
from onhand.embedded.scratch import scratch_anew, scratch_for
from onhand.supervise import Account


@dataclass(frozen=True)
class Places:
    """`home` holds the data, `sockets` is a short path that only we and PostgreSQL's OS user may enter."""

    home: Path
    sockets: Path
    account: Account | None
    forgotten: bool = False
    """Removed at the end: what is in it need not survive the machine."""

    @property
    def data(self) -> Path:
        """PostgreSQL's cluster."""
        return self.home / "data"

    @property
    def postgres_log(self) -> Path:
        """What PostgreSQL says: deadlocks, slow statements, long lock waits, checkpoints."""
        return self.home / "postgres.log"

    @property
    def valkey(self) -> Path:
        """Valkey's working folder; it keeps nothing there."""
        return self.home / "valkey"

    @property
    def valkey_log(self) -> Path:
        """What Valkey says."""
        return self.home / "valkey.log"

    def make(self) -> None:
        """Make what is missing. Twice is harmless; call it holding the folder's lock."""
        make_private(self.valkey, None)
        make_private(self.sockets, self.account)


def places_for(folder: Path) -> Places:
    """The places of a folder: in it, or in the temporary folder if PostgreSQL's OS user cannot reach it."""
    folder = folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    scratch = scratch_for(folder)
    account = server_account(folder / "data")
    if reachable(folder / "data", account):
        return Places(folder, scratch / "run", account)
    return Places(scratch, scratch / "run", server_account(scratch / "data"))


def temporary_places(*, in_memory: bool = False) -> Places:
    """New places that nobody will miss; in memory where that is asked for and roomy."""
    scratch = scratch_anew(in_memory=in_memory)
    return Places(scratch, scratch / "run", server_account(scratch / "data"), forgotten=True)


def make_private(folder: Path, account: Account | None) -> None:
    """A folder for the account alone (and root)."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
