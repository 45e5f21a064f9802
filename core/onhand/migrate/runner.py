"""Bring a database up to the installed distributions, or take one distribution's tables away again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from onhand.addons.faults import BrokenAddon, blame
from onhand.addons.graph import NOUN, TAKEN, Addon, Installed, in_order
from onhand.addons.registry import load
from onhand.migrate.ddl import APP_ROLE, make_role
from onhand.migrate.reference import mirror

__all__ = [
    "CORE", "AddonsNotMigrated", "MigrationRefused", "Step", "downgrade", "drop", "heads_missing", "revisions_at",
    "step_from", "step_of", "upgrade",
]  # fmt: skip

CORE = Addon(noun="onhand", distribution="onhand", version="", package="onhand")
LOCK_KEY = 0x6F6E68616E64  # "onhand"
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 600_000
BUILT_ON = """
SELECT DISTINCT n.nspname::text FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace of ON of.oid = f.relnamespace
WHERE k.contype = 'f' AND of.nspname = :noun AND n.nspname <> :noun ORDER BY 1
"""


class MigrationRefused(Exception):
    """A migration that would leave the database broken, with what to do instead."""


class AddonsNotMigrated(MigrationRefused):
    """Some add-ons could not be brought up; the core and the others were, and the site runs without those."""


@dataclass(frozen=True, slots=True)
class Step:
    """One distribution's way from the revision it is at to the one it goes to; None is: no tables."""

    noun: str
    at: str | None
    to: str | None

    @property
    def is_behind(self) -> bool:
        """False when there is nothing to do, be it that the tables are newer than the code."""
        return self.at != self.to


def upgrade(owner_url: str, addons: Sequence[Addon], *, dry_run: bool = False) -> list[Step]:
    """Bring the core and each add-on, requirements first, to its newest revision; return the steps taken.

    One migration runs at a time, others wait for it. What a distribution needs is made together or not at all; waiting
    for a lock longer than five seconds fails that step rather than the site. Of a distribution whose tables are newer
    than its code nothing is touched. An add-on that fails is left as it was, and so is what requires it; the others are
    brought up all the same. Then AddonsNotMigrated says which failed and why.
    """
    ordered = in_order(addons)
    with _connection(owner_url) as connection:
        failed: dict[str, str] = {}
        steps = _planned(connection, ordered, failed)
        if dry_run:
            _refuse(failed)
            return list(steps.values())
        _make_app_role(connection)
        if CORE.noun in steps:
            with _explained(CORE.noun):
                _upgrade(connection, CORE)
        for addon in ordered:
            if reason := _in_vain(connection, addon, failed, is_behind=addon.noun in steps):
                failed[addon.noun] = reason
        mirrored = load(Installed(tuple(addon for addon in ordered if addon.noun not in failed)))
        failed |= mirror(connection, mirrored)
        _note_failures(connection, ordered, failed)
        _refuse(failed)
        return list(steps.values())


def _planned(connection: Connection, ordered: Sequence[Addon], failed: dict[str, str]) -> dict[str, Step]:
    """Return the steps to take; into `failed` goes why an add-on's revisions make no sense."""
    steps = {CORE.noun: step_of(connection, CORE)}
    for addon in ordered:
        revisions = revisions_at(connection, addon.noun)
        try:
            with blame(addon.noun, "when its migrations were read"):
                steps[addon.noun] = step_from(connection, addon, revisions)
        except BrokenAddon as broken:
            failed[addon.noun] = broken.fault.reason
    return {noun: step for noun, step in steps.items() if step.is_behind}


def _refuse(failed: Mapping[str, str]) -> None:
    if failed:
        raise AddonsNotMigrated("\n".join(f"{noun}: {reason}" for noun, reason in failed.items()))


def _in_vain(connection: Connection, addon: Addon, failed: Mapping[str, str], *, is_behind: bool) -> str | None:
    """Bring one add-on up; return why it could not be. Raises when the connection itself is lost."""
    if addon.noun in failed:
        return failed[addon.noun]
    if gone := [noun for noun in addon.requires if noun in failed]:
        return f"requires {', '.join(gone)}, which failed"
    if not is_behind:
        return None
    try:
        with blame(addon.noun, "when it was migrated", cut=False), _explained(addon.noun):
            _upgrade(connection, addon)
    except BrokenAddon as broken:
        cause = broken.__cause__
        if isinstance(cause, DBAPIError) and cause.connection_invalidated:
            raise cause from None
        connection.rollback()
        is_plain = isinstance(cause, MigrationRefused)
        return (
            str(cause).removeprefix(f"{addon.noun}: ")
            if is_plain
            else f"{broken.fault.reason}; nothing of it was changed"
        )
    return None


def _note_failures(connection: Connection, tried: Sequence[Addon], failed: Mapping[str, str]) -> None:
    """Keep what failed, so that a site that starts knows it for broken, not for late."""
    nouns = [addon.noun for addon in tried]
    connection.execute(text("DELETE FROM onhand.migration_failure WHERE addon = ANY(:nouns)"), {"nouns": nouns})
    for noun, reason in failed.items():
        connection.execute(
            text(
                "INSERT INTO onhand.migration_failure (addon, error, failed_at) VALUES (:noun, :error, clock_timestamp())"
                " ON CONFLICT (addon) DO UPDATE SET error = excluded.error, failed_at = excluded.failed_at"
            ),
            {"noun": noun, "error": reason.replace("\x00", "")},
        )
    connection.commit()


def downgrade(owner_url: str, addons: Sequence[Addon], noun: str, *, with_dependants: bool = False) -> list[Step]:
    """Drop an add-on's tables, those of its dependants first, or raise MigrationRefused when these are not to go.

    Who only knows of it as an extra keeps its tables: it does without.
    """
    ordered = in_order(addons)
    by_noun = {addon.noun: addon for addon in ordered}
    if noun not in by_noun:
        raise MigrationRefused(
            f"there is no add-on {noun!r} to take down; installed: {', '.join(by_noun)}. What a package that is gone has "
            f"left is dropped by: onhand addon uninstall {noun} --drop-data {noun}"
        )
    with _connection(owner_url) as connection:
        standing = [name for name in _reaching(ordered, noun) if revisions_at(connection, name)]
        others = [name for name in standing if name != noun]
        if others and not with_dependants:
            raise MigrationRefused(
                f"{', '.join(others)} build on {noun}: take them down first, or all with --with-dependants"
            )
        steps = [Step(name, ", ".join(revisions_at(connection, name)), None) for name in reversed(standing)]
        for step in steps:
            with _explained(step.noun):
                if step.at in _known(connection, by_noun[step.noun]):  # else they are of a newer version: dropped whole
                    command.downgrade(_config(connection, by_noun[step.noun]), "base")
                connection.execute(text(f"DROP SCHEMA IF EXISTS {step.noun} CASCADE"))
                connection.commit()
        return steps


def drop(owner_url: str, noun: str) -> None:
    """Drop the tables of an add-on whose package is gone, with all they hold; MigrationRefused where others build on them."""
    if not NOUN.fullmatch(noun) or noun in TAKEN:
        raise MigrationRefused(f"{noun!r} names no add-on's tables")
    with _connection(owner_url) as connection:
        others = connection.execute(text(BUILT_ON), {"noun": noun}).scalars().all()
        if others:
            raise MigrationRefused(f"{', '.join(others)} build on the tables of {noun}: drop those first")
        with _explained(noun):
            connection.execute(text(f"DROP SCHEMA IF EXISTS {noun} CASCADE"))
            connection.commit()


def heads_missing(connection: Connection, addons: Sequence[Addon]) -> list[Step]:
    """Return the distributions whose tables are behind their code: empty means ready.

    Tables ahead of the code are no fault: that is how a rolling update looks to a process not yet replaced.
    """
    return [step for step in (step_of(connection, addon) for addon in (CORE, *addons)) if step.is_behind]


def _upgrade(connection: Connection, addon: Addon) -> None:
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {addon.noun}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {addon.noun} TO {APP_ROLE}"))
    command.upgrade(_config(connection, addon), "head")
    # Readiness is judged by the application's own login.
    connection.execute(text(f"GRANT SELECT ON {addon.noun}.alembic_version TO {APP_ROLE}"))
    connection.commit()


def _reaching(ordered: Sequence[Addon], noun: str) -> list[str]:
    """Return an add-on and all that require it, by way of others too, in dependency order."""
    reached = [noun]
    for addon in ordered:  # requirements come first, so one pass suffices
        if {*reached} & {*addon.requires}:
            reached.append(addon.noun)
    return reached


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Say in plain words what waited for whom in vain, and what to do."""
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise MigrationRefused(
            f"{what}: waited {LOCK_TIMEOUT_MS / 1000:g} s for a lock that somebody else holds, so nothing of it was "
            "changed. Run it again when less is going on, or end the long transactions in pg_stat_activity."
        ) from error


@contextmanager
def _connection(owner_url: str) -> Iterator[Connection]:
    engine = create_engine(owner_url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SET timezone = 'UTC'; SET statement_timeout = {STATEMENT_TIMEOUT_MS}"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})  # waits as long as others migrate
        connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
        connection.commit()
        try:
            yield connection
        except BaseException:
            with suppress(DBAPIError):
                connection.rollback()
            raise
        finally:
            with suppress(DBAPIError):  # a connection that is gone has let go of its locks
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
                connection.commit()


def _config(connection: Connection, addon: Addon) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_environment()))
    config.set_main_option("version_locations", str(_versions(addon)))
    config.set_main_option("path_separator", "os")
    config.attributes.update(connection=connection, schema=addon.noun)
    return config


def _environment() -> Path:
    return Path(str(files("onhand.migrate") / "environment"))


def _versions(addon: Addon) -> Path:
    return Path(str(files(addon.package) / "migrations" / "versions"))


def step_of(connection: Connection, addon: Addon) -> Step:
    """Return the way that a distribution's tables have to go; errors as of `step_from`, and those of the database."""
    return step_from(connection, addon, revisions_at(connection, addon.noun))


def revisions_at(connection: Connection, schema: str) -> tuple[str, ...]:
    """Return the revisions that a distribution's tables are at: one, or none yet.

    Only the database's own errors are raised. A database that is away is no add-on's fault, so ask where none is blamed.
    """
    options = {"version_table": "alembic_version", "version_table_schema": schema}
    heads = MigrationContext.configure(connection, opts=options).get_current_heads()
    connection.commit()
    return heads


def step_from(connection: Connection, addon: Addon, revisions: Sequence[str]) -> Step:
    """Return the way from there. Raises MigrationRefused, or Alembic's own errors, where a distribution's revisions make
    no sense.
    """
    if len(revisions) > 1:
        raise MigrationRefused(f"{addon.noun}: its tables are at several revisions at once: {', '.join(revisions)}")
    at = revisions[0] if revisions else None
    if not _versions(addon).is_dir():
        return Step(addon.noun, at, at)
    scripts = ScriptDirectory.from_config(_config(connection, addon))
    known = at is None or at in _known(connection, addon)
    return Step(addon.noun, at, scripts.get_current_head() if known else at)


def _known(connection: Connection, addon: Addon) -> set[str]:
    """Return the revisions that the installed version of a distribution has."""
    if not _versions(addon).is_dir():
        return set()
    scripts = ScriptDirectory.from_config(_config(connection, addon))
    return {script.revision for script in scripts.walk_revisions()}


def _make_app_role(connection: Connection) -> None:
    """Make the role that web, worker and scheduler log in as: it owns nothing and passes no wall."""
    connection.execute(text(make_role(APP_ROLE, "LOGIN NOINHERIT")))
    connection.commit()
