"""From the codes that events carry to ids: set-based, one statement each, for up to thousands of codes."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data.gs1 import gtin_key
from onhand_master_data.values import ItemRef, LocationRef

__all__ = ["Found", "resolve_items", "resolve_locations"]

ITEMS = """
/* master_data.resolve_items */
WITH RECURSIVE lead (sku, id) AS (
  SELECT sku, id FROM master_data.item WHERE sku = ANY(%s)
  UNION ALL SELECT l.sku, i.merged_into FROM lead l JOIN master_data.item i ON i.id = l.id WHERE i.merged_into IS NOT NULL
), named (id, sku, gtin, unit) AS (
  SELECT id, sku, NULL, NULL FROM lead
  UNION ALL SELECT item_id, NULL, gtin, unit FROM master_data.barcode WHERE gtin = ANY(%s)
)
SELECT n.sku, n.gtin, coalesce(n.unit, i.base_unit), i.id, i.sku, i.base_unit, i.category_id, e.ids,
  p.units, p.numerators, p.denominators, f.units, f.times, f.numerators, f.denominators
FROM named n JOIN master_data.item i ON i.id = n.id
CROSS JOIN LATERAL (SELECT array_agg(entity_id ORDER BY entity_id) AS ids
  FROM master_data.item_entity WHERE item_id = i.id) e
CROSS JOIN LATERAL (SELECT array_agg(unit ORDER BY unit) AS units, array_agg(numerator ORDER BY unit) AS numerators,
  array_agg(denominator ORDER BY unit) AS denominators FROM master_data.pack WHERE item_id = i.id) p
CROSS JOIN LATERAL (SELECT array_agg(unit ORDER BY effective_from) AS units,
  array_agg(effective_from ORDER BY effective_from) AS times, array_agg(numerator ORDER BY effective_from) AS numerators,
  array_agg(denominator ORDER BY effective_from) AS denominators
  FROM master_data.pack_factor WHERE item_id = i.id) f
WHERE i.active
"""
LOCATIONS = """
/* master_data.resolve_locations */
SELECT code, id, entity_id, kind, time_zone FROM master_data.location
WHERE code = ANY(%s) AND active AND entity_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The active items that codes named, apart by the kind of code: a SKU may look like another item's GTIN."""

    by_sku: dict[str, ItemRef] = field(default_factory=dict)
    by_gtin: dict[str, ItemRef] = field(default_factory=dict)


def resolve_items(session: Session, skus: Collection[str] = (), gtins: Collection[str] = ()) -> Found:
    """Return the active items that SKUs and GTINs name; codes that name none are left out. What was merged leads on.

    GTINs are keyed as they were given, of whatever length. Items are the group's: whether an entity stocks one is for
    the caller to ask of `entity_ids`.
    """
    keys = {gtin: gtin_key(gtin) for gtin in _askable(gtins)}
    by_key: dict[str, ItemRef] = {}
    found = Found()
    for asked, gtin, unit, item_id, sku, base_unit, category_id, entity_ids, units, tops, bottoms, *versions in cursor(
        session
    ).execute(ITEMS, (_askable(skus), list(keys.values()))):
        packs = {pack: Fraction(*factor) for pack, *factor in zip(units or (), tops or (), bottoms or (), strict=True)}
        ref = ItemRef(item_id, sku, base_unit, tuple(entity_ids or ()), unit, category_id, packs, _factors(*versions))
        if gtin is None:
            found.by_sku[asked] = ref
        else:
            by_key[gtin] = ref
    found.by_gtin.update({gtin: by_key[key] for gtin, key in keys.items() if key in by_key})
    return found


def _factors(
    units: list[str] | None, times: list[datetime], tops: list[int | None], bottoms: list[int | None]
) -> dict[str, tuple[tuple[datetime, Fraction | None], ...]]:
    """Return what changed: a unit of one factor, the usual case, needs no history."""
    found: dict[str, list[tuple[datetime, Fraction | None]]] = {}
    for unit, at, top, bottom in zip(units or (), times or (), tops or (), bottoms or (), strict=True):
        found.setdefault(unit, []).append((at, None if top is None or bottom is None else Fraction(top, bottom)))
    return {unit: tuple(versions) for unit, versions in found.items() if len(versions) > 1}


def resolve_locations(session: Session, codes: Collection[str]) -> dict[str, LocationRef]:
    """Return the active locations that codes name within the transaction's scope; all other codes are left out."""
    rows = cursor(session).execute(LOCATIONS, (_askable(codes), list(context(session).entities)))
    return {
        code: LocationRef(location_id, code, entity_id, kind, zone) for code, location_id, entity_id, kind, zone in rows
    }


def _askable(codes: Collection[str]) -> list[str]:
    """Drop what can name nothing: a NUL or a lone surrogate would fail the statement, and with it the whole batch."""
    return [code for code in codes if code.isascii() and code.isprintable()]
