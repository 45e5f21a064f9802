"""Shadows: what the events of a channel that is not live yet would have done. Nothing of it moves any stock."""

from collections.abc import Sequence
from datetime import datetime

from onhand.db import cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.services.arrivals import Arrival
from onhand_channels.values import Foresee, Foreseen, Postable

__all__ = ["foresee"]

# Judged against the book as it stands, and in one batch one line after the other, as the ledger would.
KEEP = """
/* shadows.keep */ INSERT INTO channels.shadow_line
  (channel_id, event_id, position, entity_id, recorded_at, kind, item_id, location_id, quantity, shortage)
SELECT s.channel_id, s.event_id, s.position, s.entity_id, %s::timestamptz, s.kind, s.item_id, s.location_id, s.quantity,
  CASE WHEN s.effect < 0 THEN least(s.quantity, greatest(0,
    -sum(s.effect * s.quantity) OVER (PARTITION BY s.item_id, s.location_id ORDER BY s.n) - coalesce(b.available, 0)))
  ELSE 0 END
FROM unnest(%s::int[], %s::text[], %s::int[], %s::int[], %s::text[], %s::int[], %s::int[], %s::bigint[], %s::int[])
  WITH ORDINALITY AS s (channel_id, event_id, position, entity_id, kind, item_id, location_id, quantity, effect, n)
LEFT JOIN stock.balance b ON b.item_id = s.item_id AND b.location_id = s.location_id
ON CONFLICT DO NOTHING
"""


def foresee(session: Session, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Keep what carrying out each event would do: kind, item, location, quantity, and how much of it would be short.

    One statement, whatever the number of events. Reads balances without a lock and writes nothing but its report.
    """
    if not arrivals:
        return
    asked: dict[Foresee, list[Postable]] = {}
    for one in arrivals:
        if one.fault is None and one.type is not None and one.type.kind.foresee is not None:
            asked.setdefault(one.type.kind.foresee, []).append(Postable(one.event, one.plan))
    rows = [
        (postable, position, line)
        for ask, postables in asked.items()
        for postable, lines in zip(postables, ask(session, postables), strict=True)
        for position, line in enumerate(lines)
    ]
    if rows:
        cursor(session).execute(KEEP, (now, *_columns(rows)))


def _columns(rows: Sequence[tuple[Postable, int, Foreseen]]) -> tuple[str, ...]:
    events = [postable.event for postable, _, _ in rows]
    lines = [line for _, _, line in rows]
    return (
        int_array([event.channel.id for event in events]),
        text_array([event.id for event in events]),
        int_array([position for _, position, _ in rows]),
        int_array([event.channel.entity_id for event in events]),
        text_array([line.kind for line in lines]),
        int_array([line.item_id for line in lines]),
        int_array([line.location_id for line in lines]),
        int_array([line.quantity for line in lines]),
        int_array([line.effect for line in lines]),
    )
