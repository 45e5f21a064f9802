"""One writer per entity at a time, so that no order of evidence, checks and people's acts can deadlock."""

from onhand.db import cursor
from sqlalchemy.orm import Session

__all__ = ["take_turn"]

LOCK_CLASS = 0x65786370  # "excp"


def take_turn(session: Session, entity_id: int) -> None:
    """Wait for the turn to write an entity's exceptions; it is held until the commit. Several entities: by rising id.

    Row locks would not do: one transaction may be told several events, and keys cannot be sorted across them.
    """
    cursor(session).execute("/* exceptions.turn */ SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_CLASS, entity_id))
