"""What add-ons show on somebody's page: one that fails, writes or is slow leaves out its own part, nobody else's."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.transaction import context

__all__ = ["Unshown", "gather_shown", "look_only"]

T = TypeVar("T")
SHOWN_SECONDS_MAX = 1.0

log = structlog.get_logger("onhand.addons")


class Unshown(Exception):
    """Something to show that could not be: its add-on failed. Why is in the log, and counted."""


def gather_shown(
    session: Session, hook: str, entity_id: int, now: datetime, **arguments: Any
) -> tuple[list[tuple[str, list[Any]]], list[str]]:
    """Return (noun, contributions) of the add-ons active for an entity, and the nouns of those that failed."""
    addons = context(session).addons
    arguments |= {"session": session, "entity_id": entity_id, "now": now}
    found: list[tuple[str, list[Any]]] = []
    failed: list[str] = []
    for noun in addons.implementers(hook):
        if addons.active(entity_id, noun, now):
            try:
                found.append((noun, look_only(session, lambda noun=noun: addons.gather_from(noun, hook, **arguments))))  # type: ignore[misc]  # mypy infers no lambda with defaults
            except Unshown as error:
                failed.append(noun)
                log.warning("addon_left_out", addon=noun, hook=hook, error=str(error))
    return found, failed


def look_only(session: Session, look: Callable[[], T], *, seconds_max: float | None = None) -> T:
    """Return what somebody's code reads; Unshown when it fails, or a statement takes longer than `seconds_max`, a second.

    It may not write: what it would have written is undone, and so is what its failing has broken.
    """
    held = set(session.new)
    milliseconds = (SHOWN_SECONDS_MAX if seconds_max is None else seconds_max) * 1_000
    nested = session.begin_nested()
    try:
        cursor(session).execute(
            f"SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = {milliseconds:.0f}"
        )
        return look()
    except Exception as error:
        if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(("08", "57P")):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise Unshown(f"{type(cause).__name__}: {cause}") from error
    finally:
        for made in set(session.new) - held:
            session.expunge(made)
        if nested.is_active or session.in_nested_transaction():
            nested.rollback()
