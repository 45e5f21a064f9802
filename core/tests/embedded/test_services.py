"""Services come up, keep what they were given, and go."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa
from onhand.embedded import EmbeddedError, ServiceDied, Services, services, temporary_services


def value(address: str, query: str) -> object:
    with psycopg.connect(address) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def ping(address: str) -> bool:
    with redis.Redis.from_url(address) as client:
        return bool(client.ping())


@pytest.fixture(scope="module")
def up() -> Iterator[Services]:
    """Services that several tests share, started where PGPORT points astray: neither server nor client may follow."""
    settings = {"log_min_duration_statement": "0", "deadlock_timeout": "50ms"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPORT", "1")
        with temporary_services(settings=settings) as running:
            yield running


def test_the_owner_owns_the_database_and_nothing_more(up: Services) -> None:
    engine = sa.create_engine(up.owner_database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA stock"))
        connection.execute(sa.text("CREATE ROLE onhand_app LOGIN"))
        role = sa.text("SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert connection.execute(role).one() == (False, False, False)
    engine.dispose()
    assert value(up.libpq(), "SELECT current_user") == "onhand_app"
    assert ping(up.redis_url)


def test_nothing_listens_beyond_the_folder_and_durability_is_on(up: Services) -> None:
    superuser = up.libpq("postgres", "postgres")
    assert value(superuser, "SHOW listen_addresses") == ""
    assert value(superuser, "SHOW log_min_duration_statement") == "0"
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert value(superuser, f"SHOW {setting}") == "on"
    assert value(superuser, "SELECT 'É' = upper('é')") is True, "order and case come from C.UTF-8"
    assert up.sockets.stat().st_mode & 0o077 == 0
    assert len(os.fsencode(up.sockets / ".s.PGSQL.5432")) < 104
    with redis.Redis.from_url(up.redis_url) as client:
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("save")["save"] == ""


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_setting_that_risks_data_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="stays on"), temporary_services(valkey=False, settings={setting: "off"}):
        pass


def test_data_survives_restarts_and_crashes_and_the_address_stays(tmp_path: Path) -> None:
    with services(tmp_path, valkey=False) as running:
        first = running.database_url
        with psycopg.connect(running.libpq("onhand_owner"), autocommit=True) as owner:
            owner.execute("CREATE TABLE kept (n int)")
        for n, mode in enumerate(("fast", "immediate", None)):
            with psycopg.connect(running.libpq("onhand_owner"), autocommit=True) as owner:
                owner.execute("INSERT INTO kept VALUES (%s)", (n,))
                before = running.postgres_pid
                running.restart_postgres(mode)
                assert running.postgres_pid != before
        assert value(running.libpq("onhand_owner"), "SELECT count(*) FROM kept") == 3
    with services(tmp_path, valkey=False) as running:
        assert running.database_url == first
        assert value(running.libpq("onhand_owner"), "SELECT count(*) FROM kept") == 3
        with pytest.raises(EmbeddedError, match="not asked for"):
            _ = running.valkey_pid


def test_a_crashed_server_is_noticed_and_mended(up: Services) -> None:
    up.check()
    before = up.postgres_pid, up.valkey_pid
    os.kill(up.postgres_pid, 9)
    while up.postgres.running:
        time.sleep(0.01)
    with pytest.raises(ServiceDied, match=r"PostgreSQL ended by itself \(code -9\)"):
        up.check()
    assert up.mend() == ["PostgreSQL"]
    up.valkey.kill()
    with pytest.raises(ServiceDied, match="Valkey"):
        up.check()
    assert up.mend() == ["Valkey"]
    up.check()
    assert up.postgres_pid != before[0]
    assert up.valkey_pid != before[1]
    assert value(up.libpq("onhand_owner"), "SELECT 1") == 1
    assert ping(up.redis_url)


def test_a_server_that_cannot_start_says_why(tmp_path: Path, all_gone: Callable[[list[int]], bool]) -> None:
    with (
        pytest.raises(ServiceDied, match="unrecognized configuration parameter"),
        services(tmp_path, settings={"no_such_setting": "1"}),
    ):
        pass
    with services(tmp_path) as running:
        pids = [running.postgres_pid, running.valkey_pid]
    assert all_gone(pids)


def test_deadlocks_are_visible_in_the_log(up: Services) -> None:
    address = up.libpq("postgres", "postgres")
    with psycopg.connect(address) as one, psycopg.connect(address) as other:
        one.execute("SET deadlock_timeout = '1min'")  # so that the other is the victim
        one.execute("SELECT pg_advisory_xact_lock(1)")
        other.execute("SELECT pg_advisory_xact_lock(2)")
        with one.pipeline():
            one.execute("SELECT pg_advisory_xact_lock(2)")
            with pytest.raises(psycopg.errors.DeadlockDetected):
                other.execute("SELECT pg_advisory_xact_lock(1)")
    assert "deadlock detected" in up.postgres_log.read_text()
