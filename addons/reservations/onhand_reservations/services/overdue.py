"""Confirmed holds that nobody fulfils: told once, and true until they are settled."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from onhand.db import cursor, text_array
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish
from onhand.web.formats import counted
from onhand_channels.api import channels_of
from sqlalchemy.orm import Session

from onhand_reservations import settings

__all__ = ["still_true", "tell_overdue"]

BATCH_MAX = 1_000
FIND = """
/* overdue.find */ UPDATE reservations.hold SET overdue_told_at = %(now)s WHERE id IN (
  SELECT h.id FROM reservations.hold h WHERE h.status = 'confirmed' AND h.overdue_told_at IS NULL
    AND h.channel_id = %(channel)s AND h.confirmed_at <= %(before)s
  ORDER BY h.confirmed_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""
READ = """
/* overdue.read */ SELECT h.id, h.reference, c.code, h.confirmed_at,
  coalesce(sum(l.quantity - l.fulfilled - l.released), 0), min(l.location_id), min(l.item_id), count(DISTINCT l.item_id)
FROM reservations.hold h JOIN channels.channel c ON c.id = h.channel_id
JOIN reservations.hold_line l ON l.hold_id = h.id AND l.fulfilled + l.released < l.quantity
WHERE h.entity_id = %(entity)s AND h.status = 'confirmed' AND h.overdue_told_at IS NOT NULL
  AND (%(ids)s::text[] IS NULL OR h.id = ANY(%(ids)s::uuid[]))
GROUP BY h.id, h.reference, c.code, h.confirmed_at ORDER BY h.id
"""


def tell_overdue(session: Session, entities: Sequence[int], *, now: datetime) -> int:
    """Tell confirmed holds that are past their channel's service level; return how many. Each is told once."""
    told = 0
    for channel in channels_of(session, entities):
        seconds = settings.overdue_seconds(session, channel.id, channel.entity_id, now)
        arguments = {
            "now": now, "channel": channel.id, "before": now - timedelta(seconds=seconds), "limit": BATCH_MAX,
        }  # fmt: skip
        ids = [str(row[0]) for row in cursor(session).execute(FIND, arguments).fetchall()]
        if ids:
            causes = _read(session, channel.entity_id, ids)
            publish(session, ExceptionsRaised(channel.entity_id, "hold_overdue", tuple(causes)))
            told += len(ids)
    return told


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:  # noqa: ARG001 - its hook hands it in
    """Return the overdue holds that are still neither fulfilled nor released."""
    ids = None if keys is None else [key.removeprefix("hold:") for key in keys if key.startswith("hold:")]
    return _read(session, entity_id, ids)


def _read(session: Session, entity_id: int, ids: Sequence[str] | None) -> list[Cause]:
    arguments = {"entity": entity_id, "ids": None if ids is None else text_array(ids)}
    rows = cursor(session).execute(READ, arguments).fetchall()
    return [
        Cause(
            key=f"hold:{hold_id}",
            entity_id=entity_id,
            item_id=item_id if items == 1 else None,
            location_id=location_id,
            quantity=int(units),
            occurred_at=confirmed_at,
            title=f"Order {reference} of {channel}: confirmed, {counted(int(units), 'unit')} not handed over",
            evidence={
                "channel": channel,
                "reference": reference,
                "hold": str(hold_id),
                "href": f"/reservations/{hold_id}",
            },
        )
        for hold_id, reference, channel, confirmed_at, units, location_id, item_id, items in rows
    ]
