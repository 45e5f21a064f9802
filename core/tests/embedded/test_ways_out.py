"""However the holder of services ends, no server stays, and the next holder finds everything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from onhand.embedded import FolderInUse, NotRunning, attach, services

Hold = Callable[..., Any]
Pids = Callable[[list[int]], bool]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for all: making one is the slow part."""
    return tmp_path_factory.mktemp("services")


@pytest.mark.parametrize(("then", "code"), [("return", 0), ("raise", 1)])
def test_returning_and_raising_stop_the_servers(folder: Path, hold: Hold, all_gone: Pids, then: str, code: int) -> None:
    holder = hold(folder, then)
    assert holder.process.wait(60) == code
    assert all_gone([*holder.servers, holder.guardian])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)]
)
def test_being_asked_to_end_stops_the_servers_first(
    folder: Path, hold: Hold, running: Pids, number: signal.Signals, code: int
) -> None:
    holder = hold(folder)
    assert running(holder.servers)
    holder.process.send_signal(number)
    assert holder.process.wait(60) == code
    assert not any(running([pid]) for pid in holder.servers), "gone before we are, not after"


def test_a_killed_holder_leaves_no_server(folder: Path, hold: Hold, running: Pids, all_gone: Pids) -> None:
    holder = hold(folder)
    log = holder.folder / "postgres.log"
    already = log.stat().st_size
    holder.process.kill()
    assert all_gone([*holder.servers, holder.guardian])
    assert "database system is shut down" in log.read_text()[already:], "PostgreSQL was stopped cleanly"


def test_servers_that_lost_holder_and_guardian_are_stopped_before_the_next_start(
    folder: Path, hold: Hold, running: Pids, all_gone: Pids
) -> None:
    holder = hold(folder)
    with psycopg.connect(attach(folder).libpq("onhand_owner"), autocommit=True) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(holder.guardian, signal.SIGKILL)
    holder.process.kill()
    holder.process.wait(60)
    assert running(holder.servers), "nobody is left to stop them: the next start must"
    with services(folder) as after:
        assert all_gone(holder.servers)
        with psycopg.connect(after.libpq("onhand_owner")) as owner:
            assert owner.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_backend_that_outlived_its_postmaster_does_not_prevent_a_start(folder: Path, hold: Hold) -> None:
    holder = hold(folder)
    with psycopg.connect(attach(folder).libpq("postgres", "postgres")) as connection:
        os.kill(connection.info.backend_pid, signal.SIGSTOP)  # so that it does not notice, as if it were busy
        for pid in (holder.guardian, holder.process.pid, holder.postgres):
            os.kill(pid, signal.SIGKILL)
        holder.process.wait(60)
        with services(folder, valkey=False) as after, psycopg.connect(after.libpq("postgres", "postgres")) as fresh:
            assert fresh.execute("SELECT 1").fetchone() == (1,)


def test_a_second_holder_is_refused_by_the_pid_of_the_first(folder: Path, hold: Hold, running: Pids) -> None:
    holder = hold(folder)
    with pytest.raises(FolderInUse, match=f"in use by process {holder.process.pid}") as refusal, services(folder):
        pass
    assert refusal.value.pid == holder.process.pid
    assert running(holder.servers), "the first is not disturbed"


def test_others_can_attach_while_it_is_held_and_only_then(folder: Path, hold: Hold) -> None:
    holder = hold(folder)
    with psycopg.connect(attach(folder).libpq("onhand_owner")) as owner:
        assert owner.execute("SELECT current_database()").fetchone() == ("onhand",)
    holder.process.communicate("\n")
    with pytest.raises(NotRunning):
        attach(folder)
    with pytest.raises(NotRunning):
        attach(folder / "never")
