"""The turn that writers of master data take, and the number by which caches know that something changed."""

from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_master_data.catalogue import SEEN

__all__ = ["take_turn"]


def take_turn(session: Session) -> None:
    """Wait until no other transaction is writing master data, and move the version on with this one's commit.

    Every verb begins with it, so writers lock in one order, and what a verb reads to judge by cannot change under it.
    """
    session.info.pop(SEEN, None)
    cursor(session).execute(
        "/* master_data.turn */ INSERT INTO master_data.version AS v DEFAULT VALUES"
        " ON CONFLICT (one) DO UPDATE SET n = v.n + 1, changed_in = pg_current_xact_id()"
    )
