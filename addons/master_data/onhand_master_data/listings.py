"""What lists show: queries for keyset pages, narrowed by what a person asked and may see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onhand.addons.models import Entity
from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from onhand_master_data.gs1 import gtin_key
from onhand_master_data.models import Barcode, Category, Item, ItemEntity, Location

__all__ = ["ITEM_ORDER", "LOCATION_ORDER", "ItemFilter", "LocationFilter", "Reach", "items_listed", "locations_listed"]

Reach = Mapping[int, Collection[int] | None]
"""Entity → the locations of it that a person may see; None is all of them."""

ITEM_ORDER: Sequence[ColumnElement[Any]] = (Item.__table__.c.sku,)
LOCATION_ORDER: Sequence[ColumnElement[Any]] = (Location.__table__.c.code,)


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What a list of items is narrowed by. `text` is part of the name, the beginning of the SKU, or a GTIN."""

    text: str | None = None
    category: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class LocationFilter:
    """What a list of locations is narrowed by. `text` is part of the name or the beginning of the code."""

    text: str | None = None
    kind: str | None = None
    active: bool | None = None


def items_listed(wanted: ItemFilter, stocked_by: Collection[int] | None) -> Select[Any]:
    """Return the items that any of these entities stock, or the whole group's; a category holds those below it."""
    columns: list[Any] = [Item.id, Item.sku, Item.name, Item.base_unit, Item.active, Category.code.label("category")]
    query: Select[Any] = select(*columns).outerjoin(Category, Category.id == Item.category_id)
    if stocked_by is not None:
        stocks = and_(ItemEntity.item_id == Item.id, ItemEntity.entity_id.in_(stocked_by))
        query = query.where(exists().where(stocks))
    if wanted.text:
        coded = exists().where(Barcode.item_id == Item.id, Barcode.gtin == gtin_key(wanted.text))
        starts = Item.sku.istartswith(wanted.text, autoescape=True)
        query = query.where(or_(starts, Item.name.icontains(wanted.text, autoescape=True), coded))
    if wanted.category:
        query = query.where(Item.category_id.in_(_below(wanted.category)))
    if wanted.active is not None:
        query = query.where(Item.active == wanted.active)
    return query


def locations_listed(wanted: LocationFilter, within: Reach) -> Select[Any]:
    """Return the locations within a person's reach."""
    places = [
        Location.entity_id == entity_id if ids is None else and_(Location.entity_id == entity_id, Location.id.in_(ids))
        for entity_id, ids in within.items()
    ]
    query: Select[Any] = (
        select(*Location.__table__.c, Entity.code.label("entity"))
        .join(Entity, Entity.id == Location.entity_id)
        .where(or_(false(), *places))
    )
    if wanted.text:
        starts = Location.code.istartswith(wanted.text, autoescape=True)
        query = query.where(or_(starts, Location.name.icontains(wanted.text, autoescape=True)))
    if wanted.kind:
        query = query.where(Location.kind == wanted.kind)
    if wanted.active is not None:
        query = query.where(Location.active == wanted.active)
    return query


def _below(code: str) -> Select[Any]:
    tree = select(Category.id).where(Category.code == code).cte("tree", recursive=True)
    tree = tree.union(select(Category.id).where(Category.parent_id == tree.c.id))
    return select(tree.c.id)
