"""`onhand doctor`: what is wrong with this site, and what to do about it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from onhand.cli.exits import MISSING, REFUSED
from onhand.cli.output import as_json_option, show
from onhand.cli.site import Backing, backing, installed
from onhand.config import Settings

if TYPE_CHECKING:
    from onhand.addons import Fault

__all__ = ["Finding", "doctor", "examine"]

POSTGRES_MIN = 150_000
SECRET_CHARACTERS_MIN = 32
SKEW_SECONDS_MAX = 2.0
OVERDUE_MINUTES_MAX = 5
QUEUED_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: fine, or what is wrong and what to do. `is_missing`: a service does not answer."""

    check: str
    fault: str = ""
    advice: str = ""
    is_missing: bool = False


@click.command()
@as_json_option
def doctor(as_json: bool) -> None:
    """Check settings, services, roles, migrations and clocks, and say what to do. Changes nothing of yours."""
    findings = examine()
    rows = [
        {"check": found.check, "state": "fault" if found.fault else "ok", "fault": found.fault, "advice": found.advice}
        for found in findings
    ]
    show(rows, as_json=as_json)
    if any(found.is_missing for found in findings):
        raise SystemExit(MISSING)
    if any(found.fault for found in findings):
        raise SystemExit(REFUSED)


def examine() -> list[Finding]:
    """Look at everything that can be looked at; what depends on something broken is left out."""
    try:
        settings = Settings.from_environment()
    except Exception as error:
        return [Finding("settings", str(error), "correct or unset that variable")]
    findings = [Finding("settings"), *_addons(settings)]
    try:
        with backing() as found:
            findings += _site(found)
    except click.ClickException as error:
        findings.append(
            Finding("settings", error.message, "set what is missing, or unset DATABASE_URL", is_missing=True)
        )
    except Exception as error:
        advice = f"see the logs in {settings.folder}" if not settings.database_url else "start PostgreSQL"
        findings.append(Finding("services", f"{type(error).__name__}: {error}", advice, is_missing=True))
    return findings


def _site(found: Backing) -> list[Finding]:
    settings = found.settings
    findings = [_secret(settings), _redis(settings)]
    with _database(settings) as (ask, failure):
        if failure:
            advice = "start PostgreSQL, correct DATABASE_URL, or run `onhand migrate`, which makes the role onhand_app"
            return [*findings, Finding("database", failure, advice, is_missing=True)]
        findings += [_version(ask), _clock(ask)]
    return [*findings, _role(settings), *_tables(settings)]


def _addons(settings: Settings) -> list[Finding]:
    """Tell which installed add-ons cannot be started; the site runs without them."""
    from onhand.app import start, surveyed

    stand_in = replace(
        settings,
        database_url=settings.database_url or "postgresql://nobody@nowhere/nothing",
        redis_url=settings.redis_url or "redis://nowhere",
        secret_key=settings.secret_key or "x" * SECRET_CHARACTERS_MIN,
        log_level="critical",
    )
    try:
        faults = start(stand_in, surveyed(settings)).extensions["onhand"].faults
    except Exception as error:
        advice = "uninstall or mend what is named; ONHAND_SAFE_MODE=1 starts without any add-on"
        return [Finding("add-ons", f"{type(error).__name__}: {error}", advice)]
    return [_told(fault) for fault in faults] or [Finding("add-ons")]


def _told(fault: "Fault") -> Finding:
    return Finding(f"add-on {fault.noun}", fault.reason, fault.advice)


def _secret(settings: Settings) -> Finding:
    if len(settings.secret_key) >= SECRET_CHARACTERS_MIN:
        return Finding("secret key")
    advice = "python -c 'import secrets; print(secrets.token_urlsafe(32))', the same on every host"
    return Finding("secret key", f"shorter than {SECRET_CHARACTERS_MIN} characters", advice)


def _redis(settings: Settings) -> Finding:
    import redis

    client = redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
    try:
        info = client.info("memory")
    except redis.RedisError as error:
        return Finding("redis", f"does not answer: {error}", "start Redis or correct REDIS_URL", is_missing=True)
    finally:
        client.close()
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy.startswith("allkeys"):
        advice = "set maxmemory-policy noeviction or volatile-ttl, or jobs wait for the sweeper"
        return Finding("redis", f"evicts keys ({policy})", advice)
    return Finding("redis")


Ask = Callable[[str], object]


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[Ask, str]]:
    import psycopg
    from sqlalchemy.engine import make_url

    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        yield (lambda _: None), str(error).strip().splitlines()[0]
        return
    with connection:

        def ask(sql: str) -> object:
            row = connection.execute(sql.encode()).fetchone()
            return None if row is None else row[0]

        yield ask, ""


def _version(ask: Ask) -> Finding:
    number = int(str(ask("SHOW server_version_num")))
    if number >= POSTGRES_MIN:
        return Finding("database")
    return Finding("database", f"PostgreSQL {number // 10_000}", "use PostgreSQL 15 or newer")


def _clock(ask: Ask) -> Finding:
    theirs = ask("SELECT clock_timestamp()")
    assert isinstance(theirs, datetime)  # noqa: S101 - what that function returns
    skew = abs((datetime.now(UTC) - theirs).total_seconds())
    if skew <= SKEW_SECONDS_MAX:
        return Finding("clock")
    advice = "run a time service on both; the database's clock decides, this host's only dates its logs"
    return Finding("clock", f"{skew:.1f} s apart from the database's", advice)


def _role(settings: Settings) -> Finding:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    from onhand.roles import UnsafeLogin, verify_login_role

    engine = create_engine(make_url(settings.database_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        verify_login_role(engine)
    except UnsafeLogin as error:
        return Finding("database role", str(error), "let DATABASE_URL log in as onhand_app")
    return Finding("database role")


def _tables(settings: Settings) -> list[Finding]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.pool import NullPool

    from onhand.migrate import CORE, step_of
    from onhand.running import unready

    engine = create_engine(make_url(settings.database_url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        if step_of(connection, CORE).is_behind:
            return [Finding("migrations", f"behind: {CORE.noun}", "run `onhand migrate`")]
        held = unready(connection, installed(settings))
        flood = connection.execute(
            text(
                "SELECT actor, count(*) AS waiting FROM onhand.job WHERE status = 'queued' GROUP BY actor"
                " HAVING count(*) > :most ORDER BY 2 DESC LIMIT 1"
            ),
            {"most": QUEUED_MAX},
        ).one_or_none()
        overdue, parked = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM onhand.outbox WHERE due_at < clock_timestamp() - make_interval(mins => :m)),"
                " (SELECT count(*) FROM onhand.job WHERE status = 'parked')"
            ),
            {"m": OVERDUE_MINUTES_MAX},
        ).one()
    findings = [_told(fault) for fault in held] or [Finding("migrations")]
    advice = "is a scheduler running? `onhand scheduler`"
    findings.append(Finding("outbox", f"{overdue} events overdue", advice) if overdue else Finding("outbox"))
    advice = "`onhand job list --parked` says why; `onhand job retry` tries again"
    findings.append(Finding("jobs", f"{parked} given up", advice) if parked else Finding("jobs"))
    if flood is not None:
        noun = flood.actor.partition(".")[0]
        advice = (
            f"add workers; where it asks for itself again and again: `onhand addon suspend {noun}`, then its jobs wait"
        )
        findings.append(Finding("queue", f"{flood.waiting} jobs of {flood.actor} wait", advice))
    return findings
