"""The site a command works on: the services the environment names, or our own in the folder `.run`."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Flask

from onhand.cli.exits import Missing
from onhand.config import Settings

if TYPE_CHECKING:
    from onhand.addons import Addon
    from onhand.embedded import Addresses

__all__ = ["Backing", "backing", "installed", "owner_url", "quiet", "site"]

SECRET_BYTES = 32
NEEDED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")


@dataclass(frozen=True, slots=True)
class Backing:
    """The environment that processes of this site run in; `is_ours`: we hold embedded services while it lasts."""

    environment: Mapping[str, str]
    is_ours: bool = False

    @property
    def settings(self) -> Settings:
        """The settings that this environment means."""
        return Settings.from_environment(self.environment)


@contextmanager
def backing() -> Iterator[Backing]:
    """Yield the site's services while the block lasts.

    With DATABASE_URL set they are what the environment says. Without it they are our own, in the folder ONHAND_FOLDER
    (`.run`): started and migrated here and stopped in the end, or those that another process holds there already.
    """
    settings = Settings.from_environment()
    if settings.database_url:
        if absent := [name for name in NEEDED if not os.environ.get(name)]:
            raise Missing(f"DATABASE_URL is set, so these must be too: {', '.join(absent)}")
        yield Backing(dict(os.environ))
        return
    from onhand.embedded import services

    held = _held(settings.path)
    if held is not None:
        yield Backing(_embedded(settings.path, held.environment()))
        return
    with services(settings.path) as running:
        _migrate(running.owner_database_url, settings)
        yield Backing(_embedded(settings.path, running.environment()), is_ours=True)


@contextmanager
def site() -> Iterator[Flask]:
    """Yield the application, its context pushed, with its services running."""
    from onhand.app import create_app
    from onhand.db import db

    with backing() as found:
        app = create_app(quiet(found.settings))
        with app.app_context():
            try:
                yield app
            finally:
                db.engine.dispose()


def quiet(settings: Settings) -> Settings:
    """Return settings for a command: people read its output, so logs are for people and begin at warnings."""
    from dataclasses import replace

    return replace(settings, log_format="console", log_level="warning")


@contextmanager
def owner_url() -> Iterator[str]:
    """Yield the address by which the database's owner logs in, for migrations."""
    settings = Settings.from_environment()
    if settings.owner_database_url:
        yield settings.owner_database_url
        return
    if settings.database_url:
        raise Missing("ONHAND_OWNER_DATABASE_URL is not set: migrations log in as the owner of the database")
    from onhand.embedded import services

    held = _held(settings.path)
    if held is not None:
        yield held.owner_database_url
        return
    with services(settings.path) as running:
        yield running.owner_database_url


def installed(settings: Settings) -> "list[Addon]":
    """Return the add-ons that count: all that are installed and go together, none in safe mode."""
    from onhand.app import surveyed

    return list(surveyed(settings).addons)


def _held(folder: Path) -> "Addresses | None":
    from onhand.embedded import NotRunning, attach

    try:
        return attach(folder)
    except NotRunning:
        return None


def _migrate(url: str, settings: Settings) -> None:
    """Bring embedded services up to the installed distributions: nobody else does it on a laptop."""
    from onhand.migrate import AddonsNotMigrated, upgrade

    try:
        upgrade(url, installed(settings))
    except AddonsNotMigrated as refused:  # the site runs without those, and says so
        click.echo(f"not migrated: {refused}", err=True)


def _embedded(folder: Path, addresses: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of processes on our own services: reached by plain HTTP on this machine."""
    environment = {"ONHAND_SECURE_COOKIES": "false", **os.environ, **addresses}
    environment.setdefault("SECRET_KEY", _secret(folder))
    return environment


def _secret(folder: Path) -> str:
    """Return the secret key kept in the folder, made up when there is none, so that sessions outlive a restart."""
    path = folder / "secret_key"
    if not path.exists():
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(SECRET_BYTES))
        with suppress(FileExistsError):  # another command was faster
            path.hardlink_to(made)
        made.unlink()
    return path.read_text()
