"""Figures of the executive view: what the book could not cover, and how much of it had to be put right by hand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from onhand.contributions import Kpi, KpiColumn
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_stock.naming import movement_name
from onhand_stock.valuing import item_values

__all__ = ["KPIS"]

OUTSIDE = "('found', 'shrink', 'scrap')"


SHORT = """
/* shortage.items */ SELECT DISTINCT item_id FROM stock.shortage WHERE entity_id = %s AND cleared < quantity ORDER BY 1
"""


def _values(session: Session, entity_id: int, since: datetime, until: datetime) -> dict[str, list[Any]]:  # noqa: ARG001 - figures are asked so
    """Return what a unit of each item that is short counts as, by policy as of the period's end."""
    short = [row[0] for row in cursor(session).execute(SHORT, (entity_id,)).fetchall()]
    known = item_values(session, entity_id, short, until)
    return {"items": [item_id for item_id, _ in known], "values": [value for _, value in known]}


def _entry_page(row: Mapping[str, Any]) -> str:
    return f"/stock/entries/{movement_name(row['recorded_at'], row['id'])}"


KPIS = [
    Kpi(
        name="stock.shortages",
        label="Shortages",
        explains="Units that left though the book had none, and that nothing has cleared since: now, whatever the period."
        " Their value is what the policy stock.unit_value_minor says of each item; not known where it says nothing.",
        permission="stock.read",
        sql="""
SELECT coalesce(l.code, '*') AS key, coalesce(l.code, 'all') AS location, sum(s.quantity - s.cleared)::bigint AS units,
  sum(round((s.quantity - s.cleared) * v.value))::bigint AS value,
  sum(CASE WHEN v.value IS NULL THEN s.quantity - s.cleared ELSE 0 END)::bigint AS unvalued, count(*) AS openings, count(DISTINCT s.item_id) AS items, min(s.occurred_at) AS oldest
FROM stock.shortage s JOIN master_data.location l ON l.id = s.location_id
LEFT JOIN unnest(%(items)s::int[], %(values)s::numeric[]) AS v (item_id, value) ON v.item_id = s.item_id
WHERE s.entity_id = %(entity_id)s AND s.cleared < s.quantity
GROUP BY GROUPING SETS ((), (l.code)) HAVING count(*) > 0 ORDER BY l.code NULLS FIRST LIMIT 200
""",
        columns=(
            KpiColumn("location", "Location", "code"),
            KpiColumn("units", "Units short", "quantity"),
            KpiColumn("value", "Value", "money"),
            KpiColumn("unvalued", "Units not valued", "quantity"),
            KpiColumn("items", "Items", "quantity"),
            KpiColumn("openings", "Facts not covered", "quantity"),
            KpiColumn("oldest", "Oldest", "time"),
        ),
        rows_sql="""
SELECT i.sku, l.code AS location, s.quantity - s.cleared AS units,
  round((s.quantity - s.cleared) * v.value)::bigint AS value, s.trigger, s.occurred_at, s.recorded_at, s.id
FROM stock.shortage s JOIN master_data.location l ON l.id = s.location_id JOIN master_data.item i ON i.id = s.item_id
LEFT JOIN unnest(%(items)s::int[], %(values)s::numeric[]) AS v (item_id, value) ON v.item_id = s.item_id
WHERE s.entity_id = %(entity_id)s AND s.cleared < s.quantity AND (%(key)s = '*' OR l.code = %(key)s)
ORDER BY s.occurred_at, s.id LIMIT %(limit)s
""",
        rows_columns=(
            KpiColumn("sku", "SKU", "code"),
            KpiColumn("location", "Location", "code"),
            KpiColumn("units", "Units short", "quantity"),
            KpiColumn("value", "Value", "money"),
            KpiColumn("trigger", "Document"),
            KpiColumn("occurred_at", "Occurred", "time"),
        ),
        prepare=_values,
        href=_entry_page,
        order=30,
    ),
    Kpi(
        name="stock.adjustments",
        label="Adjustment rate",
        explains="Units found, lost or scrapped, of all units that crossed our border in the period (received, sold, returned,"
        " found, lost, scrapped).",
        permission="stock.read",
        sql=f"""
SELECT coalesce(kind, '*') AS key, coalesce(kind, 'all') AS kind, sum(adjusted)::bigint AS units, sum(entries)::bigint AS entries,
  max(crossed)::bigint AS crossed, (1000 * sum(adjusted) / nullif(max(crossed), 0))::float8 AS rate
FROM (
  SELECT kind, sum(quantity) FILTER (WHERE outside) AS adjusted, count(*) FILTER (WHERE outside) AS entries,
    sum(sum(quantity)) OVER () AS crossed
  FROM (
    SELECT kind, quantity, from_state IN {OUTSIDE} OR to_state IN {OUTSIDE} AS outside FROM stock.movement
    WHERE entity_id = %(entity_id)s AND recorded_at > %(since)s AND recorded_at <= %(until)s
      AND (from_state IN ('supplier', 'customer', 'found', 'shrink', 'scrap') OR to_state IN ('supplier', 'customer', 'found', 'shrink', 'scrap'))
  ) moved GROUP BY kind
) kinds WHERE entries > 0
GROUP BY GROUPING SETS ((), (kind)) HAVING count(*) > 0 ORDER BY kind NULLS FIRST LIMIT 200
""",
        columns=(
            KpiColumn("kind", "Kind"),
            KpiColumn("units", "Units adjusted", "quantity"),
            KpiColumn("entries", "Entries", "quantity"),
            KpiColumn("crossed", "Units moved", "quantity"),
            KpiColumn("rate", "Rate", "permille"),
        ),
        rows_sql=f"""
SELECT i.sku, m.kind, m.quantity, m.from_state, m.to_state, m.reason, m.trigger, m.recorded_at, m.id
FROM stock.movement m JOIN master_data.item i ON i.id = m.item_id
WHERE m.entity_id = %(entity_id)s AND m.recorded_at > %(since)s AND m.recorded_at <= %(until)s
  AND (m.from_state IN {OUTSIDE} OR m.to_state IN {OUTSIDE}) AND (%(key)s = '*' OR m.kind = %(key)s)
ORDER BY m.recorded_at DESC, m.id DESC LIMIT %(limit)s
""",
        rows_columns=(
            KpiColumn("sku", "SKU", "code"),
            KpiColumn("kind", "Kind"),
            KpiColumn("quantity", "Units", "quantity"),
            KpiColumn("from_state", "From"),
            KpiColumn("to_state", "To"),
            KpiColumn("reason", "Reason"),
            KpiColumn("recorded_at", "Recorded", "time"),
        ),
        href=_entry_page,
        order=50,
    ),
]
