"""The OS user PostgreSQL runs as, and what that user can reach."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import time
from pathlib import Path

from onhand.embedded.errors import EmbeddedError
from onhand.supervise import Account

NAME = "onhand-postgres"


def server_account(data: Path) -> Account | None:
    """None for "as ourselves". For root, who may not run PostgreSQL: the owner of the data, or a user of its own."""
    ours = os.geteuid()
    owner = data.stat() if data.exists() else None
    if ours != 0:
        if owner is not None and owner.st_uid != ours:
            raise EmbeddedError(
                f"{data} belongs to the OS user {owner.st_uid}: run as that user, or choose another folder"
            )
        return None
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _ensure_user()
    return Account(entry.pw_uid, entry.pw_gid)


def _ensure_user() -> pwd.struct_passwd:
    """A system user without home and shell. Two processes may make it at once: the second finds it."""
    for attempt in range(20):
        try:
            return pwd.getpwnam(NAME)
        except KeyError:
            if attempt:
                time.sleep(0.1)  # somebody else holds the lock on the users' file, perhaps to make this very one
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", NAME]
        try:
            made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell, and nothing from outside
        except FileNotFoundError:
            break
    else:
        raise EmbeddedError(f"the OS user {NAME} cannot be made: {made.stderr.strip()}")
    raise EmbeddedError(f"PostgreSQL does not run as root and there is no `useradd` to make the OS user {NAME}")


def reachable(path: Path, account: Account | None) -> bool:
    """Whether the account may pass every folder down to `path`, links followed."""
    if account is None:
        return True
    return all(_may_pass(folder.stat(), account) for folder in path.resolve().parents)


def _may_pass(folder: os.stat_result, account: Account) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)
