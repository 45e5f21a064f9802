"""What the ledger tells master data: which items and locations have moved, and what of them is on hand."""

from collections.abc import Sequence
from urllib.parse import urlencode

from onhand.db import cursor
from onhand.web.formats import counted
from onhand_master_data.api import Use
from sqlalchemy.orm import Session

from onhand_stock.places import item_page
from onhand_stock.states import PHYSICAL, SHORTAGE, STATES

__all__ = ["item_obligations", "uses"]

ON_HAND = " + ".join(sorted(PHYSICAL)) + f" - {SHORTAGE}"
USES = f"""
/* master_data.uses */
SELECT 'item', b.item_id, count(*), sum({ON_HAND}), min(i.sku)
FROM stock.balance b JOIN master_data.item i ON i.id = b.item_id
WHERE b.item_id = ANY(%(items)s) AND b.entity_id = %(entity)s GROUP BY b.item_id
UNION ALL
SELECT 'location', b.location_id, count(*), sum({ON_HAND}), min(l.code)
FROM stock.balance b JOIN master_data.location l ON l.id = b.location_id
WHERE b.location_id = ANY(%(locations)s) AND b.entity_id = %(entity)s GROUP BY b.location_id
"""
OPEN = f"""
/* master_data.item_obligations */
SELECT b.item_id, {" + ".join(STATES)}, 'units in the book of ' || l.code, i.sku
FROM stock.balance b JOIN master_data.item i ON i.id = b.item_id JOIN master_data.location l ON l.id = b.location_id
WHERE b.item_id = ANY(%(items)s) AND b.entity_id = %(entity)s AND {" + ".join(STATES)} > 0
UNION ALL
SELECT item_id, count(*), 'adjustments to decide', NULL FROM stock.adjustment
WHERE item_id = ANY(%(items)s) AND entity_id = %(entity)s AND status IN ('waiting', 'recount') GROUP BY item_id
"""


def uses(session: Session, entity_id: int, item_ids: Sequence[int], location_ids: Sequence[int]) -> list[Use]:
    """Return a use for each item and location that has ever moved in the entity: its balance row is there for good."""
    arguments = {"items": list(item_ids), "locations": list(location_ids), "entity": entity_id}
    return [
        Use(
            subject,
            id_,
            entity_id,
            f"on hand at {counted(places, 'location')}"
            if subject == "item"
            else f"on hand of {counted(places, 'item')}",
            int(units),
            item_page(code) if subject == "item" else f"/stock/?{urlencode({'location': code})}",
        )
        for subject, id_, places, units, code in cursor(session).execute(USES, arguments).fetchall()
    ]


def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """Return what the book still has of items, in whatever state, and the adjustments of them that are not decided."""
    rows = cursor(session).execute(OPEN, {"items": list(item_ids), "entity": entity_id}).fetchall()
    return [
        Use("item", item_id, entity_id, label, int(units), item_page(sku) if sku else "/stock/adjustments")
        for item_id, units, label, sku in rows
    ]
