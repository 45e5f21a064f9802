"""A PostgreSQL cluster's files: made once, its settings written at every start."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from onhand.embedded.addresses import PORT, SUPERUSER
from onhand.embedded.errors import EmbeddedError
from onhand.embedded.places import Places, make_private
from onhand.supervise import KILL, Child, Guard

INITDB_SECONDS_MAX = 120.0
INITDB = (
    "--encoding=UTF8",
    "--locale=C",  # the C library's part; the builtin provider below decides order and case, alike on every machine
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=trust",  # who may enter the folder of the socket may connect
    "--no-instructions",
    f"--username={SUPERUSER}",
)
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.simple",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_checkpoints": "on",
    "log_lock_waits": "on",
    "log_temp_files": "10MB",
    "log_min_duration_statement": "1s",
    "log_autovacuum_min_duration": "10s",
}
NEVER_OFF = ("fsync", "synchronous_commit", "full_page_writes")
HEADER = "# Written at every start. Change the running cluster with ALTER SYSTEM, which wins over this file.\n"


def make_cluster(places: Places, *, programs: Path, guard: Guard) -> None:
    """Make the cluster if there is none. It appears whole or not at all, whatever interrupts us."""
    data, account = places.data, places.account
    if (data / "PG_VERSION").exists():
        return
    part = data.with_name("data.new")
    shutil.rmtree(part, ignore_errors=True)
    make_private(part, account)
    log = data.with_name("initdb.log")
    options = (*INITDB, "--no-sync") if places.forgotten else INITDB
    with log.open("wb") as output:
        initdb = Child(
            [str(programs / "initdb"), "--pgdata", str(part), *options],
            guard=guard,
            steps=KILL,
            group=True,
            environment={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            folder=part,
            output=output,
            account=account,
        )
    try:
        code = initdb.wait(INITDB_SECONDS_MAX)
    finally:
        initdb.stop()
    if code != 0:
        raise EmbeddedError(f"initdb failed (code {code}): {log.read_text(errors='replace')}")
    part.rename(data)


def settings_text(sockets: Path, settings: Mapping[str, str]) -> str:
    """The text of postgresql.conf. ValueError for a setting that would trade durability for speed."""
    for name in NEVER_OFF:
        if settings.get(name, "on") != "on":
            raise ValueError(f"{name} stays on: what was acknowledged survives a crash, in tests too")
    chosen = {**SETTINGS, "unix_socket_directories": str(sockets), **settings}
    return HEADER + "".join(f"{_name(name)} = {_quoted(value)}\n" for name, value in chosen.items())


def write_settings(data: Path, text: str) -> None:
    """Write postgresql.conf."""
    conf = data / "postgresql.conf"
    conf.write_text(text)
    conf.chmod(0o644)  # PostgreSQL's OS user must read what root wrote; the folder is closed to others


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_.]*", name):
        raise ValueError(f"no PostgreSQL setting is called {name!r}")
    return name


def _quoted(value: str) -> str:
    if "\n" in value:
        raise ValueError("a setting is one line")
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
