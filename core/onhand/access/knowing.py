"""Who stands behind a token or a session: remembered for seconds, else looked up."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.access.cache import principals
from onhand.access.directory import Found
from onhand.access.principal import Principal
from onhand.access.state import access
from onhand.transaction import run

__all__ = ["known_by"]

Key = TypeVar("Key", bytes, UUID)


def known_by(key: Key, find: Callable[[Session, Key, Collection[str], datetime], Found]) -> Principal | None:
    """Return whom a key belongs to, None for nobody; `find` is asked where that is not remembered.

    It is asked in a transaction that sees no entity, and the clock at the door is set by what that hears.
    """

    def look_up() -> Found:
        def command(session: Session, now: datetime) -> Found:
            state = access()
            state.clock.heard(now)
            return find(session, key, state.permissions, now)

        return run(command, entities=())

    return principals.get(key, look_up)
