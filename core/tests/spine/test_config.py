"""Settings come from the environment; what means nothing, or cannot be, stops the start with its name."""

from dataclasses import fields, replace

import pytest
from onhand.app import create_app
from onhand.config import BadSetting, Settings, UnknownSetting
from onhand.db import db
from onhand.transaction import run
from sqlalchemy import text

read = Settings.from_environment


def test_nothing_set_means_the_defaults():
    assert read({"PATH": "/bin"}) == Settings()


def test_every_setting_is_read_from_its_variable_as_its_type():
    given = {
        "DATABASE_URL": "postgresql:///x",
        "REDIS_URL": "redis://x",
        "SECRET_KEY": "s",
        "ONHAND_OWNER_DATABASE_URL": "postgresql:///y",
        "ONHAND_FOLDER": "/srv",
        "ONHAND_POOL_SIZE": "3",
        "ONHAND_POOL_TIMEOUT_SECONDS": "0.5",
        "ONHAND_STATEMENT_TIMEOUT_MS": "10",
        "ONHAND_LOCK_TIMEOUT_MS": "20",
        "ONHAND_IDLE_TIMEOUT_MS": "30",
        "ONHAND_LOG_FORMAT": "console",
        "ONHAND_LOG_LEVEL": "debug",
        "ONHAND_PASSWORD_COST": "cheap",
        "ONHAND_SAFE_MODE": "true",
        "ONHAND_RATE_LIMIT": "9/minute",
        "ONHAND_SECURE_COOKIES": "0",
        "ONHAND_PROXIES": "1",
        "ONHAND_BODY_BYTES_MAX": "1024",
        "ONHAND_WAIT_SECONDS_MAX": "0.25",
        "ONHAND_HOOK_SECONDS_MAX": "0.25",
        "ONHAND_SITE_URL": "https://onhand.example",
        "ONHAND_MAIL_FOLDER": "/var/mail",
        "ONHAND_OUTGOING_HOSTS": "hooks.internal",
    }
    assert len(given) == len(fields(Settings)), "a new setting is read in this test too"
    found = read(given)
    assert [getattr(found, field.name) for field in fields(Settings)] != [field.default for field in fields(Settings)]
    assert (found.pool_size, found.pool_timeout_seconds, found.safe_mode, found.secure_cookies) == (3, 0.5, True, False)
    assert (found.database_url, found.secret_key, found.rate_limit) == ("postgresql:///x", "s", "9/minute")


@pytest.mark.parametrize(
    ("key", "because"),
    [
        ("ONHAND_POOLSIZE", r"ONHAND_POOLSIZE is not a setting; ONHAND_POOL_SIZE is\. Known: .*ONHAND_PROXIES"),
        ("ONHAND_pool_size_", "is not a setting"),
        ("ONHAND_", "is not a setting"),
        ("ONHAND_DATABASE_URL", "it is called DATABASE_URL"),
        ("ONHAND_SECRET_KEY", "it is called SECRET_KEY"),
    ],
)
def test_unknown_variable_is_refused_naming_what_was_meant(key, because):
    with pytest.raises(UnknownSetting, match=because):
        read({key: "1"})


@pytest.mark.parametrize(
    ("key", "value", "because"),
    [
        ("ONHAND_POOL_SIZE", "many", "ONHAND_POOL_SIZE='many' is not a whole number"),
        ("ONHAND_POOL_SIZE", "", "is not a whole number"),
        ("ONHAND_POOL_SIZE", "0", "is not a number of 1 or more"),
        ("ONHAND_POOL_TIMEOUT_SECONDS", "nan", "is not a number of"),
        ("ONHAND_POOL_TIMEOUT_SECONDS", "inf", "is not a number of"),
        ("ONHAND_STATEMENT_TIMEOUT_MS", "-1", "is not a number of 1 or more"),
        ("ONHAND_LOCK_TIMEOUT_MS", "0", "is not a number of 1 or more"),
        ("ONHAND_IDLE_TIMEOUT_MS", "0", "is not a number of 1 or more"),
        ("ONHAND_PROXIES", "-1", "is not a number of 0 or more"),
        ("ONHAND_SAFE_MODE", "perhaps", "'perhaps' is not true or false"),
        ("ONHAND_LOG_FORMAT", "xml", "is not one of json, console"),
        ("ONHAND_LOG_LEVEL", "loud", "is not one of debug, info"),
        ("ONHAND_PASSWORD_COST", "none", "is not one of full, cheap"),
    ],
)
def test_value_that_cannot_be_is_refused_naming_the_variable(key, value, because):
    with pytest.raises(BadSetting, match=because):
        read({key: value})


def test_the_database_holds_to_the_limits_that_are_set(app, entities):
    """A statement, a wait for a lock and a silence within a transaction each end by their own."""
    limits = {"statement_timeout": "7s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "9s"}
    settings = replace(
        app.extensions["onhand_settings"], statement_timeout_ms=7_000, lock_timeout_ms=8_000, idle_timeout_ms=9_000
    )
    with create_app(settings, addons=()).app_context():
        shown = run(lambda session, _: [session.scalar(text(f"SHOW {name}")) for name in limits], entities=())
        db.engine.dispose()
    assert shown == [*limits.values()]
