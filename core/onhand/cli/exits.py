"""How commands end: what is raised becomes one message on standard error and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["MISSING", "REFUSED", "USAGE", "Missing", "Refused", "explained"]

REFUSED = 1
USAGE = 2
MISSING = 3


class Refused(click.ClickException):
    """What was asked is not allowed, or differences were found."""

    exit_code = REFUSED


class Missing(click.ClickException):
    """A service or setting that the command needs is not there."""

    exit_code = MISSING


@contextmanager
def explained() -> Iterator[None]:
    """Turn the refusals and failures that commands meet into `click` exceptions; what nobody expected stays a traceback."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        kind = _kind(error)
        if kind is None:
            raise
        raise kind(_message(error)) from error


def _kind(error: Exception) -> type[click.ClickException] | None:
    import psycopg
    import redis
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    from onhand.access.services import UserRefused
    from onhand.access.tokens import UnknownPermission
    from onhand.addons import BrokenGraph, UnknownHook
    from onhand.config import BadSetting, UnknownSetting
    from onhand.embedded import EmbeddedError
    from onhand.enablement import ChangeRefused
    from onhand.migrate import MigrationRefused
    from onhand.policies.services import PolicyRefused
    from onhand.problems import Problem, Unavailable
    from onhand.roles import UnsafeLogin

    missing = (
        EmbeddedError,
        OperationalError,
        PoolTimeout,
        psycopg.OperationalError,
        redis.ConnectionError,
        Unavailable,
    )
    refused: tuple[type[Exception], ...] = (
        BrokenGraph, ChangeRefused, MigrationRefused, PolicyRefused, Problem, UnknownPermission, UnknownHook, UnsafeLogin,
        UserRefused,
    )  # fmt: skip
    if isinstance(error, missing):
        return Missing
    if isinstance(error, (BadSetting, UnknownSetting)):
        return click.UsageError
    return Refused if isinstance(error, refused) else None


def _message(error: Any) -> str:
    cause = getattr(error, "orig", None) or error
    lines = [line for line in str(cause).splitlines() if line.strip()]
    return "\n".join(lines[:3]) or type(error).__name__
