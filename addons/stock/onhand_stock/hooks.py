"""The hooks that the ledger offers."""

from collections.abc import Sequence
from datetime import datetime

from onhand.hooks import contribute, extend
from sqlalchemy.orm import Session

from onhand_stock.kinds import MovementKind
from onhand_stock.movements import Entry


@contribute
def movement_kinds() -> list[MovementKind]:
    """contribute, at start-up and at migrate: kinds of movement, mirrored to SQL. Raising stops the start."""
    return []


@extend
def movement_posted(session: Session, movements: Sequence[Entry], now: datetime) -> None:
    """extend: in the transaction, after the ledger rows of one entity are written, under the lock.

    Write only your own tables, by SQL, once per list. Raising aborts the posting.
    """
