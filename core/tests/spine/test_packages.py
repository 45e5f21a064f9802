"""Install, upgrade, uninstall: a plan first, whole or not at all, and back again until data is dropped by name."""

import pytest
from click.testing import CliRunner
from onhand.addons import Installed
from onhand.cli import main
from onhand.testing.catalogue import catalogue, differences
from switching import LAMP, SHADE


@pytest.fixture
def own(onhand_sites, onhand_site, monkeypatch):
    """A database that may lose tables, with an entity that has both add-ons on, and the command line over it."""
    with onhand_sites.databases.passing([LAMP, SHADE]) as database:
        monkeypatch.setattr("onhand.app.survey", lambda: Installed((LAMP, SHADE)))
        monkeypatch.setenv("DATABASE_URL", database.url)
        monkeypatch.setenv("ONHAND_OWNER_DATABASE_URL", database.owner_url)
        monkeypatch.setenv("REDIS_URL", onhand_site.settings.redis_url)
        monkeypatch.setenv("SECRET_KEY", onhand_site.settings.secret_key)
        database.superuser(
            "INSERT INTO onhand.entity (code, name, currency, country, time_zone, recorded_at)"
            " VALUES ('A', 'A', 'EUR', 'AT', 'Europe/Vienna', clock_timestamp()) RETURNING id"
        )

        def onhand(*words, code=0):
            done = CliRunner().invoke(main, list(words))
            assert done.exit_code == code, done.output
            return done.output

        onhand("addon", "enable", "lamp", "shade", "--entity", "A")
        yield database, onhand


def schemas(database):
    rows = database.superuser("SELECT nspname FROM pg_namespace WHERE nspname IN ('lamp', 'shade') ORDER BY 1")
    return [row[0] for row in rows]


def test_out_and_in_again_a_plan_first_and_data_kept_until_it_is_named(own):
    database, onhand = own
    before = catalogue(database.superuser)
    told = onhand("addon", "uninstall", "lamp", "--yes", code=1)
    assert "because A: shade is enabled for this entity and needs lamp: disable it first" in told
    told = onhand("addon", "uninstall", "shade")
    assert "switches it off for A" in told
    assert "keeps its data" in told
    assert "nothing was changed" in told
    assert onhand("addon", "uninstall", "shade") == told, "looking changes nothing"
    assert "pip uninstall onhand-shade" in onhand("addon", "uninstall", "shade", "--yes")
    assert schemas(database) == ["lamp", "shade"]
    told = onhand("addon", "uninstall", "lamp", "--drop-data", "lamp", "--yes", code=1)
    assert "shade builds on it and has tables: uninstall that first, --drop-data shade" in told
    assert "is not what is uninstalled: lamp" in onhand("addon", "uninstall", "shade", "--drop-data", "lamp", code=2)
    assert "drops the schema shade" in onhand("addon", "uninstall", "shade", "--drop-data", "shade", "--yes")
    assert schemas(database) == ["lamp"]
    assert "migrates shade: from nothing to shade_0001" in onhand("addon", "install", "shade")
    assert schemas(database) == ["lamp"]
    onhand("addon", "install", "shade", "--yes")
    assert differences(before, catalogue(database.superuser)) == []
    assert "migrates nothing" in onhand("addon", "upgrade", "shade")


def test_tables_of_a_newer_version_are_dropped_too(own):
    database, onhand = own
    database.superuser("UPDATE shade.alembic_version SET version_num = 'shade_0009'")
    assert "migrates nothing" in onhand("addon", "upgrade", "shade")
    onhand("addon", "uninstall", "shade", "--drop-data", "shade", "--yes")
    assert schemas(database) == ["lamp"]


def test_what_is_gone_already_can_still_be_uninstalled_and_dropped(own, monkeypatch):
    database, onhand = own
    monkeypatch.setattr("onhand.app.survey", lambda: Installed((LAMP,)))
    onhand("addon", "uninstall", "shade", "--drop-data", "shade", "--yes")
    assert schemas(database) == ["lamp"]
    assert "there is no add-on 'bell'" in onhand("addon", "uninstall", "bell", "--yes", code=1)
