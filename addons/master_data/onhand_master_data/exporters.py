"""What `onhand export` writes of master data, in the columns that import takes."""

from onhand.contributions import Exporter

__all__ = ["ALL"]

CATEGORIES = """
WITH RECURSIVE tree AS (
  SELECT id, code, name, NULL::text AS parent, 0 AS depth FROM master_data.category WHERE parent_id IS NULL
  UNION ALL
  SELECT c.id, c.code, c.name, t.code, t.depth + 1 FROM master_data.category c JOIN tree t ON c.parent_id = t.id
)
SELECT code, name, parent FROM tree ORDER BY depth, code
"""
ITEMS = """
SELECT i.sku, i.name, i.base_unit, c.code AS category,
  (SELECT min(b.gtin) FROM master_data.barcode b WHERE b.item_id = i.id AND b.unit = i.base_unit) AS gtin,
  (SELECT string_agg(e.code, '|' ORDER BY e.code) FROM master_data.item_entity s
     JOIN onhand.entity e ON e.id = s.entity_id WHERE s.item_id = i.id) AS entities,
  (SELECT string_agg(p.unit || '=' || p.numerator || CASE WHEN p.denominator = 1 THEN '' ELSE '/' || p.denominator END,
     '|' ORDER BY p.unit) FROM master_data.pack p WHERE p.item_id = i.id) AS packs
FROM master_data.item i LEFT JOIN master_data.category c ON c.id = i.category_id
WHERE i.active ORDER BY i.sku
"""
LOCATIONS = """
SELECT l.code, l.name, e.code AS entity, l.kind, l.gln, l.time_zone
FROM master_data.location l JOIN onhand.entity e ON e.id = l.entity_id WHERE l.active ORDER BY l.code
"""
ALL = (
    Exporter("categories", "code, name, parent; parents first", CATEGORIES),
    Exporter("items", "active items: sku, name, base_unit, category, gtin, entities, packs", ITEMS),
    Exporter("locations", "active locations: code, name, entity, kind, gln, time_zone", LOCATIONS),
)
