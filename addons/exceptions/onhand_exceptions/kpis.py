"""Figures of the executive view: what is open, and for how long."""

from onhand.contributions import Kpi, KpiColumn

__all__ = ["KPIS"]

KPIS = [
    Kpi(
        name="exceptions.ageing",
        label="Exception ageing",
        explains="Causes that are open now, whatever the period, by how long they have been open, and the money at risk where"
        " it is known.",
        permission="exceptions.read",
        sql="""
SELECT coalesce(kind, '*') AS key, coalesce(kind, 'all') AS kind, count(*) AS open,
  count(*) FILTER (WHERE age < interval '4 hours') AS hours,
  count(*) FILTER (WHERE age >= interval '4 hours' AND age < interval '1 day') AS day,
  count(*) FILTER (WHERE age >= interval '1 day' AND age < interval '3 days') AS days,
  count(*) FILTER (WHERE age >= interval '3 days') AS older,
  min(first_seen_at) AS oldest, sum(amount_minor) AS amount,
  count(*) FILTER (WHERE amount_minor IS NULL) AS unvalued
FROM (
  SELECT kind, first_seen_at, amount_minor, %(until)s - first_seen_at AS age FROM exceptions.exception
  WHERE entity_id = %(entity_id)s AND status = 'open'
) found
GROUP BY GROUPING SETS ((), (kind)) HAVING count(*) > 0 ORDER BY kind NULLS FIRST LIMIT 200
""",
        columns=(
            KpiColumn("kind", "Kind"),
            KpiColumn("open", "Open", "quantity"),
            KpiColumn("hours", "Under 4 h", "quantity"),
            KpiColumn("day", "Under a day", "quantity"),
            KpiColumn("days", "Under 3 days", "quantity"),
            KpiColumn("older", "Older", "quantity"),
            KpiColumn("amount", "At risk", "money"),
            KpiColumn("unvalued", "Not valued", "quantity"),
            KpiColumn("oldest", "Oldest", "time"),
        ),
        rows_sql="""
SELECT id::text AS id, title, kind, location, quantity, amount_minor, first_seen_at FROM exceptions.exception
WHERE entity_id = %(entity_id)s AND status = 'open' AND (%(key)s = '*' OR kind = %(key)s)
ORDER BY severity DESC, first_seen_at, id LIMIT %(limit)s
""",
        rows_columns=(
            KpiColumn("title", "Exception"),
            KpiColumn("kind", "Kind"),
            KpiColumn("location", "Location", "code"),
            KpiColumn("quantity", "Quantity", "quantity"),
            KpiColumn("amount_minor", "At risk", "money"),
            KpiColumn("first_seen_at", "First seen", "time"),
        ),
        href=lambda row: f"/exceptions/{row['id']}",
        order=20,
    )
]
