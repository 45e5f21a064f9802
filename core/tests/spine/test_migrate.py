"""Migrations: whole or not at all, one at a time, there and back."""

import importlib
import os
import pkgutil
import shutil
import sys
import threading
import time
from itertools import count
from pathlib import Path

import onhand
import psycopg
import pytest
from onhand.addons import Addon
from onhand.embedded.addresses import OWNER, SUPERUSER
from onhand.migrate import MigrationRefused, Step, downgrade, heads_missing, runner, upgrade
from onhand.testing import Database
from onhand.testing.catalogue import catalogue, differences
from onhand.testing.contract.migrations import modelled, shape_faults
from onhand_lamp import plugin
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from switching import LAMP, SHADE

BOTH = [LAMP, SHADE]
NUMBERS = count(1)
WAIT_SECONDS_MAX = 60


@pytest.fixture
def empty(services):
    """An empty database; its files go with the server's."""
    name = f"empty_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(services.libpq(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE template0".encode())
    database = Database(services, name)
    yield database
    database.close()


@pytest.fixture
def migrated(onhand_sites):
    """A database with the tables of lamp and shade."""
    with onhand_sites.databases.passing(BOTH) as database:
        yield database


def schemas(database):
    query = "SELECT nspname FROM pg_namespace WHERE nspname IN ('onhand', 'lamp', 'shade', 'torch') ORDER BY 1"
    return [row[0] for row in database.superuser(query)]


def test_up_makes_everything_requirements_first_and_again_does_nothing(empty):
    planned = upgrade(empty.owner_url, BOTH, dry_run=True)
    assert schemas(empty) == []
    taken = upgrade(empty.owner_url, BOTH)
    assert taken == planned
    assert [(step.noun, step.at) for step in taken] == [("onhand", None), ("lamp", None), ("shade", None)]
    assert schemas(empty) == ["lamp", "onhand", "shade"]
    assert upgrade(empty.owner_url, BOTH) == []


def test_days_and_months_are_those_of_utc_whatever_the_server_takes_for_its_own(empty):
    empty.superuser(f"ALTER DATABASE {empty.name} SET timezone = 'America/New_York'")
    with runner._connection(empty.owner_url) as connection:
        assert connection.scalar(text("SHOW timezone")) == "UTC"


def test_order_of_the_list_does_not_matter(empty):
    upgrade(empty.owner_url, [SHADE, LAMP])
    assert schemas(empty) == ["lamp", "onhand", "shade"]


def test_up_down_up_is_the_same_as_up(migrated):
    before = catalogue(migrated.superuser)
    down = downgrade(migrated.owner_url, BOTH, "lamp", with_dependants=True)
    assert down == [Step("shade", "shade_0001", None), Step("lamp", "lamp_0001", None)]
    assert schemas(migrated) == ["onhand"]
    upgrade(migrated.owner_url, BOTH)
    assert differences(before, catalogue(migrated.superuser)) == []


def test_tables_of_the_core_are_as_its_models_say(migrated):
    for module in pkgutil.walk_packages(onhand.__path__, "onhand."):
        if module.name.rpartition(".")[2] in {"models", "audit", "idempotency", "outbox", "schedules"}:
            importlib.import_module(module.name)
    assert shape_faults(migrated, modelled(migrated.addresses, ["onhand"], "onhand"), "onhand") == []


def test_down_is_refused_while_others_build_on_it(migrated):
    with pytest.raises(MigrationRefused, match=r"shade build on lamp: .*--with-dependants"):
        downgrade(migrated.owner_url, BOTH, "lamp")
    assert schemas(migrated) == ["lamp", "onhand", "shade"]
    assert [step.noun for step in downgrade(migrated.owner_url, BOTH, "shade")] == ["shade"]
    assert [step.noun for step in downgrade(migrated.owner_url, BOTH, "lamp")] == ["lamp"]


def test_down_spares_who_only_knows_of_it_as_an_extra(migrated):
    knowing = Addon("shade", "onhand-shade", "1", "onhand_shade", extras=("lamp",))
    migrated.superuser("ALTER TABLE shade.fringe DROP CONSTRAINT fringe_light_id_fkey")
    assert [step.noun for step in downgrade(migrated.owner_url, [LAMP, knowing], "lamp")] == ["lamp"]
    assert schemas(migrated) == ["onhand", "shade"]


@pytest.mark.parametrize("noun", ["torch", "onhand"])
def test_down_of_what_is_no_addon_is_refused(migrated, noun):
    with pytest.raises(MigrationRefused, match=f"no add-on '{noun}' to take down; installed: lamp, shade"):
        downgrade(migrated.owner_url, BOTH, noun)


def test_reference_rows_are_mirrored_brought_up_to_date_and_kept(migrated, monkeypatch):
    rows = "SELECT code, label FROM lamp.colour ORDER BY code"
    assert migrated.superuser(rows) == [("red", "Red")]
    monkeypatch.setattr(plugin, "COLOURS", {"red": "Crimson", "blue": "Blue"})
    assert upgrade(migrated.owner_url, BOTH) == []
    assert migrated.superuser(rows) == [("blue", "Blue"), ("red", "Crimson")]
    monkeypatch.setattr(plugin, "COLOURS", {})
    upgrade(migrated.owner_url, BOTH)
    assert migrated.superuser(rows) == [("blue", "Blue"), ("red", "Crimson")], "old entries may name them"


def test_of_two_at_once_one_migrates_and_the_other_waits_and_finds_nothing_to_do(empty):
    steps = []
    threads = [threading.Thread(target=lambda: steps.append(upgrade(empty.owner_url, BOTH))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, steps)) == [0, 3]


def test_migration_waits_for_the_lock_longer_than_for_a_table(empty, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 100)
    steps = []
    with psycopg.connect(empty.addresses.libpq(SUPERUSER, empty.name)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (runner.LOCK_KEY,))
        thread = threading.Thread(target=lambda: steps.append(upgrade(empty.owner_url, BOTH)))
        thread.start()
        wait_until(
            lambda: (
                empty.superuser("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != [(0,)]
            )
        )
        time.sleep(0.3)
        assert thread.is_alive()
        assert schemas(empty) == []
    thread.join()
    assert len(steps[0]) == 3


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """Write an add-on's revisions: `torch("CREATE TABLE …", "ALTER TABLE …")`; again, a later release of it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(*upgrades, requires=("lamp",)):
        package = tmp_path / "onhand_torch"
        shutil.rmtree(package, ignore_errors=True)
        versions = package / "migrations" / "versions"
        versions.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "plugin.py").touch()
        for number, statement in enumerate(upgrades, 1):
            down = f'"torch_{number - 1:04}"' if number > 1 else None
            (versions / f"{number:04}_step.py").write_text(
                f'from alembic import op\n\nrevision = "torch_{number:04}"\ndown_revision = {down}\n\n\n'
                f"def upgrade():\n    op.execute({statement!r})\n\n\ndef downgrade():\n    pass\n"
            )
        for name in [name for name in sys.modules if name.startswith("onhand_torch")]:
            monkeypatch.delitem(sys.modules, name)
        return Addon("torch", "onhand-torch", "1", "onhand_torch", requires=requires)

    return write


def test_blocked_migration_says_so_and_leaves_nothing_half_done(migrated, torch, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 200)
    addon = torch("CREATE TABLE torch.one ()", "ALTER TABLE lamp.light ADD COLUMN wick text")
    before = catalogue(migrated.superuser)
    with psycopg.connect(migrated.addresses.libpq(SUPERUSER, migrated.name)) as other:
        other.execute("SELECT * FROM lamp.light")
        with pytest.raises(MigrationRefused, match=r"torch: waited 0\.2 s for a lock .* nothing of it was changed"):
            upgrade(migrated.owner_url, [*BOTH, addon])
    assert differences(before, catalogue(migrated.superuser)) == []
    assert [step.noun for step in upgrade(migrated.owner_url, [*BOTH, addon])] == ["torch"]


def test_blocked_way_down_says_so_too(migrated, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_TIMEOUT_MS", 200)
    before = catalogue(migrated.superuser)
    with psycopg.connect(migrated.addresses.libpq(SUPERUSER, migrated.name)) as other:
        other.execute("SELECT * FROM shade.fringe")
        with pytest.raises(MigrationRefused, match="shade: waited"):
            downgrade(migrated.owner_url, BOTH, "shade")
    assert differences(before, catalogue(migrated.superuser)) == []


def test_failing_revision_takes_its_distribution_back_and_leaves_others_as_they_are(empty, torch):
    addon = torch("CREATE TABLE torch.one ()", "SELECT 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        upgrade(empty.owner_url, [*BOTH, addon])
    assert schemas(empty) == ["lamp", "onhand", "shade"]
    assert [step.noun for step in upgrade(empty.owner_url, [*BOTH, torch("CREATE TABLE torch.one ()")])] == ["torch"]
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    assert empty.superuser(held) == [(0,)]


def test_killed_migration_leaves_nothing_half_done(empty, torch):
    addon = torch("CREATE TABLE torch.one ()", "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Exception, match="terminat"):
        upgrade(empty.owner_url, [*BOTH, addon])
    assert schemas(empty) == ["lamp", "onhand", "shade"]


def test_tables_newer_than_the_code_are_left_alone_and_no_fault(migrated, torch):
    upgrade(migrated.owner_url, [*BOTH, torch("CREATE TABLE torch.one ()", "CREATE TABLE torch.two ()")])
    older = [*BOTH, torch("CREATE TABLE torch.one ()")]
    engine = create_engine(migrated.owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert heads_missing(connection, older) == []
    assert upgrade(migrated.owner_url, older) == []
    newer = [*BOTH, torch("CREATE TABLE torch.one ()", "CREATE TABLE torch.two ()", "CREATE TABLE torch.three ()")]
    with engine.connect() as connection:
        assert heads_missing(connection, newer) == [Step("torch", "torch_0002", "torch_0003")]


def wait_until(condition):
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_site_that_has_migrations_of_its_own_runs_the_same_environment():
    site = Path(__file__).parents[3] / "migrations" / "env.py"
    if not site.exists():
        pytest.skip("the core's tests run without a site")
    ours = Path(runner.__file__).parent / "environment" / "env.py"
    assert site.read_text().split('"""')[-1] == ours.read_text().split('"""')[-1]
