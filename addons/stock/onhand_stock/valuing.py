"""What units are worth, by item: one policy, asked alike by exceptions and by the executive view."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from onhand.db import cursor, int_array
from onhand.policies.book import Where
from sqlalchemy.orm import Session

from onhand_stock.settings import is_valued, unit_values

__all__ = ["categories_of", "item_values"]

CATEGORIES = "/* stock.categories */ SELECT id, category_id FROM master_data.item WHERE id = ANY(%s::int[])"


def categories_of(session: Session, items: Collection[int]) -> dict[int, int | None]:
    """Return the category of each item that there is."""
    return dict(cursor(session).execute(CATEGORIES, (int_array(items),)).fetchall())


def item_values(session: Session, entity_id: int, items: Collection[int], now: datetime) -> list[tuple[int, Decimal]]:
    """Return (item, minor units one base unit is worth) for those items of which somebody said it for the entity."""
    if not items or not is_valued(session):
        return []
    categories = categories_of(session, items)
    places = [Where(item_id=item_id, category_id=categories.get(item_id), entity_id=entity_id) for item_id in items]
    found = unit_values(session, places, now)
    return [(item_id, value) for item_id, value in zip(items, found, strict=True) if value is not None]
