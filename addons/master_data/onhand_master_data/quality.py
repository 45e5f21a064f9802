"""Reads of data quality: findings for keyset pages."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from onhand_master_data.models import Finding, Item

__all__ = ["FAIR", "FINDING_ORDER", "GOOD", "findings_listed"]

GOOD, FAIR = 95, 80
"""From which score on an item master is good, and from which at least fair."""
FINDING_ORDER: Sequence[ColumnElement[Any]] = (Item.__table__.c.sku, Finding.__table__.c.rule)


def findings_listed(entity_id: int, rule: str | None = None, text: str | None = None) -> Select[Any]:
    """Return what is wrong with the items of an entity."""
    columns: list[Any] = [
        Item.sku,
        Item.name,
        Finding.rule,
        Finding.field,
        Finding.message,
        Finding.points,
        Finding.found_at,
    ]
    query: Select[Any] = select(*columns).join(Item, Item.id == Finding.item_id).where(Finding.entity_id == entity_id)
    if rule:
        query = query.where(Finding.rule == rule)
    if text:
        query = query.where(Item.sku.istartswith(text, autoescape=True) | Item.name.icontains(text, autoescape=True))
    return query
