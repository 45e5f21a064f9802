"""What reservations tell master data: which promises of an item have not ended."""

from collections.abc import Sequence

from onhand.db import cursor
from onhand_master_data.api import Use
from sqlalchemy.orm import Session

__all__ = ["item_obligations"]

OPEN = """
/* master_data.open_promises */ SELECT item_id, sum(quantity - fulfilled - released)::bigint FROM reservations.hold_line
WHERE item_id = ANY(%s) AND entity_id = %s AND fulfilled + released < quantity GROUP BY item_id
"""


def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """Return the units of items that are promised and neither fulfilled nor released."""
    rows = cursor(session).execute(OPEN, (list(item_ids), entity_id)).fetchall()
    return [
        Use("item", item_id, entity_id, "units in open holds", units, "/reservations/?status=open")
        for item_id, units in rows
    ]
