"""The hooks that the ledger offers."""

from collections.abc import Sequence
from datetime import datetime

from onhand.hooks import contribute, extend, guard
from sqlalchemy.orm import Session

from onhand_stock.kinds import MovementKind
from onhand_stock.movements import Entry, Group, Objection


@contribute
def movement_kinds() -> list[MovementKind]:
    """contribute, at start-up and at migrate: kinds of movement, mirrored to SQL. Raising leaves the add-on out."""
    return []


@guard
def may_move(session: Session, groups: Sequence[Group], now: datetime) -> list[Objection]:
    """guard, before any balance is locked: may these intents of one entity (promises, markdowns) be posted?

    Return an Objection, naming the group's key, for each that may not; all guards are heard, and the group is refused with
    all of them. Facts are not asked about. Never write, and ask for the whole list at once. Raising fails the verb.
    """
    return []


@extend
def movement_posted(session: Session, movements: Sequence[Entry], now: datetime) -> None:
    """extend: in the transaction, after the ledger rows of one entity are written, under the lock.

    Write only your own tables, by SQL, once per list. Raising aborts the posting.
    """
