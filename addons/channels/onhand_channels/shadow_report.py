"""The shadow report: what a channel told before it was live, what of it was wrong, and what it would have posted."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from onhand.db import cursor
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_channels import reasons
from onhand_channels.values import ChannelRef

__all__ = ["REPORT_MAX", "KindRow", "ProblemRow", "ShadowReport", "named_lines", "report"]

REPORT_MAX = 100_000
# The newest only, found by index: a report costs the same however long a channel was in shadow.
EVENTS = """
/* shadows.events */ SELECT e.reason, count(*) FROM (
  SELECT reason FROM channels.event WHERE entity_id = %s AND channel_id = %s AND outcome = 'shadowed'
  ORDER BY recorded_at DESC LIMIT %s
) e GROUP BY 1 ORDER BY 2 DESC, 1
"""
KINDS = """
/* shadows.kinds */ SELECT l.kind, count(*), count(*) FILTER (WHERE l.shortage > 0), sum(l.quantity), sum(l.shortage)
FROM (SELECT kind, quantity, shortage FROM channels.shadow_line WHERE entity_id = %s AND channel_id = %s
      ORDER BY recorded_at DESC LIMIT %s) l
GROUP BY 1 ORDER BY 2 DESC, 1
"""


class ProblemRow(Struct, frozen=True):
    """Why shadowed events would have been parked, and what to do about it."""

    reason: str
    title: str
    mend: str
    count: int


class KindRow(Struct, frozen=True):
    """What lines of one kind would have posted, in base units; `short` counts the lines the book would not cover."""

    kind: str
    lines: int
    short: int
    quantity: int
    shortage: int


class ShadowReport(Struct, frozen=True):
    """What a channel told in shadow and nobody has replayed: events, those without a problem, problems, kinds."""

    events: int
    clean: int
    problems: list[ProblemRow]
    kinds: list[KindRow]


def report(session: Session, channel: ChannelRef) -> ShadowReport:
    """Return the report on a channel's newest 100,000 shadowed events and lines. Lines of replayed events stay in it."""
    arguments = (channel.entity_id, channel.id, REPORT_MAX)
    told: list[tuple[str | None, int]] = cursor(session).execute(EVENTS, arguments).fetchall()
    kinds = cursor(session).execute(KINDS, arguments).fetchall()
    return ShadowReport(
        sum(count for _, count in told),
        sum(count for reason, count in told if reason is None),
        [ProblemRow(reason, reasons.title(reason), reasons.mend(reason), count) for reason, count in told if reason],
        [KindRow(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in kinds],
    )


def named_lines(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return lines of a report with the codes that people know."""
    items = describe_items(session, {row.item_id for row in rows})
    places = describe_locations(session, {row.location_id for row in rows if row.location_id is not None})
    return [
        {
            "event": row.event_id,
            "recorded_at": row.recorded_at,
            "kind": row.kind,
            "sku": items[row.item_id].sku,
            "location": places[row.location_id].code if row.location_id is not None else None,
            "quantity": row.quantity,
            "shortage": row.shortage,
        }
        for row in rows
    ]
