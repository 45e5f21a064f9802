"""What happened to exceptions, kept in the order in which it did."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_exceptions.services import sql

__all__ = ["Told", "tell"]

Told = tuple[UUID, int, str, int | None, str | None]
"""An exception, its entity, what was done to it, the person it was given to, and a note."""


def tell(session: Session, told: Sequence[Told], *, by: Actor, now: datetime) -> None:
    """Add to what happened. One statement."""
    if told:
        author = {"now": now, "actor": by.ref, "name": by.name}
        cursor(session).execute(sql.TELL, author | sql.columns(sql.TELL_COLUMNS, told))
