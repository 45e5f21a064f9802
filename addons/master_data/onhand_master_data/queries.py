"""Reads: whole items and locations, and what pages call them. Each is one statement, whatever the length."""

from collections.abc import Collection, Sequence
from typing import Any

from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data.gs1 import gtin_key
from onhand_master_data.values import (
    Barcode,
    Category,
    EntityName,
    Item,
    ItemName,
    Location,
    LocationName,
    Pack,
    Unit,
)

__all__ = [
    "categories",
    "describe_items",
    "describe_locations",
    "entity_names",
    "entity_of",
    "entity_zones",
    "ids_by_entity",
    "items_by_id",
    "items_by_sku",
    "items_for_entity",
    "items_stocked",
    "location_choices",
    "locations_by_code",
    "match_items",
    "units",
]  # fmt: skip

WHOLE_ITEM = """
SELECT i.id, i.sku, i.name, i.base_unit, c.code, i.active, e.codes, p.units, p.numerators, p.denominators, b.gtins, b.units, o.sku
FROM master_data.item i LEFT JOIN master_data.category c ON c.id = i.category_id
LEFT JOIN master_data.item o ON o.id = i.merged_into
CROSS JOIN LATERAL (SELECT array_agg(e.code ORDER BY e.code) AS codes
  FROM master_data.item_entity s JOIN onhand.entity e ON e.id = s.entity_id WHERE s.item_id = i.id) e
CROSS JOIN LATERAL (SELECT array_agg(unit ORDER BY unit) AS units, array_agg(numerator ORDER BY unit) AS numerators,
  array_agg(denominator ORDER BY unit) AS denominators FROM master_data.pack WHERE item_id = i.id) p
CROSS JOIN LATERAL (SELECT array_agg(gtin ORDER BY gtin) AS gtins, array_agg(unit ORDER BY gtin) AS units
  FROM master_data.barcode WHERE item_id = i.id) b
"""
WHOLE_LOCATION = """
SELECT l.id, l.code, l.name, l.kind, l.gln, e.code, l.time_zone, l.active
FROM master_data.location l JOIN onhand.entity e ON e.id = l.entity_id
"""


def items_by_sku(session: Session, skus: Collection[str]) -> dict[str, Item]:
    """Return whole items by SKU, inactive ones too; SKUs that name none are left out."""
    rows = cursor(session).execute(f"{WHOLE_ITEM} WHERE i.sku = ANY(%s)", (list(skus),)).fetchall()
    return {item.sku: item for item in map(_item, rows)}


def items_by_id(session: Session, ids: Collection[int]) -> dict[int, Item]:
    """Return whole items by id, inactive ones too."""
    rows = cursor(session).execute(f"{WHOLE_ITEM} WHERE i.id = ANY(%s)", (list(ids),)).fetchall()
    return {item.id: item for item in map(_item, rows)}


def _item(row: Sequence[Any]) -> Item:
    return Item(
        id=row[0],
        sku=row[1],
        name=row[2],
        base_unit=row[3],
        category=row[4],
        active=row[5],
        entities=tuple(row[6] or ()),
        packs=tuple(Pack(*pack) for pack in zip(row[7] or (), row[8] or (), row[9] or (), strict=True)),
        barcodes=tuple(Barcode(*barcode) for barcode in zip(row[10] or (), row[11] or (), strict=True)),
        survivor=row[12],
    )


def items_stocked(session: Session, entity_id: int) -> list[Item]:
    """Return the active items that an entity stocks, whole, by id."""
    rows = cursor(session).execute(
        f"{WHOLE_ITEM} JOIN master_data.item_entity mine ON mine.item_id = i.id AND mine.entity_id = %s"
        " WHERE i.active ORDER BY i.id",
        (entity_id,),
    )
    return [_item(row) for row in rows.fetchall()]


def locations_by_code(session: Session, codes: Collection[str]) -> dict[str, Location]:
    """Return whole locations by code, inactive ones too; those outside the transaction's scope do not exist."""
    rows = (
        cursor(session)
        .execute(
            f"{WHOLE_LOCATION} WHERE l.code = ANY(%s) AND l.entity_id = ANY(%s)",
            (list(codes), list(context(session).entities)),
        )
        .fetchall()
    )
    return {row[1]: Location(*row) for row in rows}


def describe_items(session: Session, ids: Collection[int]) -> dict[int, ItemName]:
    """Return what to call items, by id, whether active or not."""
    rows = cursor(session).execute(
        "SELECT id, sku, name, base_unit FROM master_data.item WHERE id = ANY(%s)", (list(ids),)
    )
    return {row[0]: ItemName(*row) for row in rows}


def describe_locations(session: Session, ids: Collection[int]) -> dict[int, LocationName]:
    """Return what to call locations, by id, active or not; those outside the transaction's scope are left out."""
    rows = cursor(session).execute(
        "SELECT id, code, name, kind, entity_id FROM master_data.location WHERE id = ANY(%s) AND entity_id = ANY(%s)",
        (list(ids), list(context(session).entities)),
    )
    return {row[0]: LocationName(*row) for row in rows}


def location_choices(session: Session, entity_ids: Collection[int]) -> list[LocationName]:
    """Return the active locations of these entities by name, for a select box."""
    rows = cursor(session).execute(
        "SELECT id, code, name, kind, entity_id FROM master_data.location"
        " WHERE active AND entity_id = ANY(%s) AND entity_id = ANY(%s) ORDER BY name, code",
        (list(entity_ids), list(context(session).entities)),
    )
    return [LocationName(*row) for row in rows]


def items_for_entity(session: Session, entity_id: int) -> list[ItemName]:
    """Return the active items that an entity stocks, by SKU."""
    rows = cursor(session).execute(
        "SELECT i.id, i.sku, i.name, i.base_unit FROM master_data.item i"
        " JOIN master_data.item_entity s ON s.item_id = i.id"
        " WHERE i.active AND s.entity_id = %s ORDER BY i.sku",
        (entity_id,),
    )
    return [ItemName(*row) for row in rows]


def match_items(session: Session, text: str, *, limit: int) -> list[int]:
    """Return the ids of items whose SKU begins with the text, whose GTIN it is, or whose name contains it."""
    escaped = text.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    rows = cursor(session).execute(
        "SELECT id FROM master_data.item WHERE sku ILIKE %(start)s OR name ILIKE %(part)s OR id IN"
        " (SELECT item_id FROM master_data.barcode WHERE gtin = %(gtin)s) ORDER BY sku LIMIT %(limit)s",
        {"start": f"{escaped}%", "part": f"%{escaped}%", "gtin": gtin_key(text), "limit": limit},
    )
    return [row[0] for row in rows]


def categories(session: Session) -> dict[str, Category]:
    """Return the group's categories by code, ordered by name."""
    rows = cursor(session).execute(
        "SELECT c.code, c.name, p.code FROM master_data.category c"
        " LEFT JOIN master_data.category p ON p.id = c.parent_id ORDER BY c.name, c.code"
    )
    return {row[0]: Category(*row) for row in rows}


def units(session: Session) -> dict[str, Unit]:
    """Return every unit by code, ordered by dimension and code."""
    rows = cursor(session).execute("SELECT code, name, dimension FROM master_data.unit ORDER BY dimension, code")
    return {row[0]: Unit(*row) for row in rows}


def entity_names(session: Session, codes: Collection[str]) -> list[tuple[str, str]]:
    """Return code and name of entities, by name."""
    rows = cursor(session).execute(
        "SELECT code, name FROM onhand.entity WHERE code = ANY(%s) ORDER BY name, code", (list(codes),)
    )
    return [(row[0], row[1]) for row in rows]


def entity_zones(session: Session) -> dict[str, str]:
    """Return every entity's time zone by its code."""
    return dict(cursor(session).execute("SELECT code, time_zone FROM onhand.entity").fetchall())


def entity_of(session: Session, entity_id: int) -> EntityName:
    """Return what pages call an entity, and the time zone that they read dates in."""
    [row] = cursor(session).execute("SELECT id, code, name, time_zone FROM onhand.entity WHERE id = %s", (entity_id,))
    return EntityName(*row)


def ids_by_entity(session: Session) -> dict[str, int]:
    """Return every entity's id by its code."""
    return dict(cursor(session).execute("SELECT code, id FROM onhand.entity ORDER BY code").fetchall())
