"""Figures of the executive view: how many of our promises we keep."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from onhand.contributions import Kpi, KpiColumn
from sqlalchemy.orm import Session

__all__ = ["KPIS"]

CLOCKS_APART_MAX = timedelta(hours=1)
# Ids are ordered by the moment of their making, so the primary key finds those of a period without another index.
PROMISES = """
  SELECT h.id, h.reference, h.status, h.confirmed_at, c.code AS channel, l.quantity,
    l.fulfilled, CASE WHEN h.status IN ('fulfilled', 'released', 'expired') THEN l.quantity - l.fulfilled ELSE l.released END AS broken
  FROM reservations.hold h JOIN reservations.hold_line l ON l.hold_id = h.id JOIN channels.channel c ON c.id = h.channel_id
  WHERE h.entity_id = %(entity_id)s AND h.id >= %(first_id)s AND h.held_at > %(since)s AND h.held_at <= %(until)s
    AND h.confirmed_at IS NOT NULL
"""


def _first_id(session: Session, entity_id: int, since: datetime, until: datetime) -> dict[str, Any]:  # noqa: ARG001 - figures are asked so
    """Return the least id of a hold made since then, clocks of hosts being an hour apart at most."""
    milliseconds = int((since - CLOCKS_APART_MAX).timestamp() * 1000)
    return {"first_id": UUID(int=milliseconds << 80)}


KPIS = [
    Kpi(
        name="reservations.promises",
        label="Promise reliability",
        explains="Of the units promised in the period and confirmed: those handed over, of all whose promise has ended. What is"
        " still open counts neither way.",
        permission="reservations.read",
        sql=f"""
SELECT coalesce(channel, '*') AS key, coalesce(channel, 'all') AS channel, sum(quantity)::bigint AS made,
  sum(fulfilled)::bigint AS kept, sum(broken)::bigint AS broken, sum(quantity - fulfilled - broken)::bigint AS open,
  (1000 * sum(fulfilled) / nullif(sum(fulfilled + broken), 0))::float8 AS reliability
FROM ({PROMISES}) promised
GROUP BY GROUPING SETS ((), (channel)) HAVING count(*) > 0 ORDER BY channel NULLS FIRST LIMIT 200
""",
        columns=(
            KpiColumn("channel", "Channel", "code"),
            KpiColumn("made", "Units promised", "quantity"),
            KpiColumn("kept", "Kept", "quantity"),
            KpiColumn("broken", "Broken", "quantity"),
            KpiColumn("open", "Open", "quantity"),
            KpiColumn("reliability", "Kept of ended", "permille"),
        ),
        rows_sql=f"""
SELECT id::text AS id, reference, channel, status, sum(quantity)::bigint AS made, sum(fulfilled)::bigint AS kept,
  sum(broken)::bigint AS broken, max(confirmed_at) AS confirmed_at
FROM ({PROMISES}) promised WHERE %(key)s = '*' OR channel = %(key)s
GROUP BY id, reference, channel, status ORDER BY sum(broken) DESC, id DESC LIMIT %(limit)s
""",
        rows_columns=(
            KpiColumn("reference", "Order", "code"),
            KpiColumn("channel", "Channel", "code"),
            KpiColumn("status", "Status"),
            KpiColumn("made", "Units promised", "quantity"),
            KpiColumn("kept", "Kept", "quantity"),
            KpiColumn("broken", "Broken", "quantity"),
            KpiColumn("confirmed_at", "Confirmed", "time"),
        ),
        prepare=_first_id,
        href=lambda row: f"/reservations/{row['id']}",
        order=40,
    )
]
