"""What channels tell master data: which orders still name an item."""

from collections.abc import Sequence

from onhand.db import cursor
from onhand_master_data.api import Use
from sqlalchemy.orm import Session

__all__ = ["item_obligations"]

OPEN = """
/* master_data.open_orders */ SELECT item_id, sum(ordered - cancelled - fulfilled)::bigint FROM channels.order_line
WHERE item_id = ANY(%s) AND entity_id = %s AND ordered > cancelled + fulfilled GROUP BY item_id
"""


def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """Return the units of items that were ordered and neither shipped nor cancelled: what ships must be what was ordered."""
    rows = cursor(session).execute(OPEN, (list(item_ids), entity_id)).fetchall()
    return [Use("item", item_id, entity_id, "units in open orders", units, "/channels/") for item_id, units in rows]
