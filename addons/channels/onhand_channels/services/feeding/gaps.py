"""Gaps: a channel that has another number than was compared with, and still another when it was read again."""

from collections.abc import Collection, Sequence
from typing import Any

from onhand.db import cursor, int_array, text_array
from onhand.events import Cause
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_channels.services import causes
from onhand_channels.values import ChannelRef

__all__ = ["ACKNOWLEDGED", "KIND", "STALE_MIN", "causes_of", "standing"]

KIND = "sync_gap"
ACKNOWLEDGED = "the last number that it acknowledged was"
STALE_MIN = 2
STANDING_MAX = 10_000
ROWS = """
SELECT c.code, k.entity_id, k.item_id, k.location_id, k.theirs, coalesce(k.acknowledged_quantity, 0), k.theirs_at
FROM channels.feed_key k JOIN channels.channel c ON c.id = k.channel_id
"""
AMONG = f"""
/* feed.gaps_among */ {ROWS} JOIN unnest(%s::text[], %s::int[], %s::int[]) AS a (code, item_id, location_id)
  ON a.code = c.code AND a.item_id = k.item_id AND a.location_id = k.location_id
WHERE k.entity_id = %s AND k.stale > 1 AND k.theirs IS NOT NULL AND c.state = 'live'
"""
STANDING = f"""
/* feed.gaps */ {ROWS} WHERE k.entity_id = %s AND k.stale > 1 AND k.theirs IS NOT NULL AND c.state = 'live'
ORDER BY k.theirs_at LIMIT %s
"""


def standing(session: Session, entity_id: int, keys: Collection[str] | None) -> list[Cause]:
    """Return the gaps that stand: among the keys of causes, or the oldest 10,000 of all."""
    if keys is None:
        return _causes(session, cursor(session).execute(STANDING, (entity_id, STANDING_MAX)).fetchall())
    named = [causes.gap_of(key) for key in keys]
    return _among(session, entity_id, [(code, item_id, location_id) for code, location_id, item_id in named])


def causes_of(session: Session, channel: ChannelRef, keys: Sequence[tuple[int, int]]) -> list[Cause]:
    """Return the gaps of a channel among its (item, location) keys."""
    return _among(session, channel.entity_id, [(channel.code, *key) for key in keys])


def _among(session: Session, entity_id: int, named: Sequence[tuple[str, int, int]]) -> list[Cause]:
    columns = (
        text_array([one[0] for one in named]),
        int_array([one[1] for one in named]),
        int_array([one[2] for one in named]),
    )
    return _causes(session, cursor(session).execute(AMONG, (*columns, entity_id)).fetchall())


def _causes(session: Session, found: Sequence[tuple[Any, ...]]) -> list[Cause]:
    items = describe_items(session, {row[2] for row in found})
    places = describe_locations(session, {row[3] for row in found})
    return [
        causes.gap(
            entity_id, code, item_id, location_id, items[item_id].sku, places[location_id].code, theirs, ours, at,
            whose=ACKNOWLEDGED, page="health#feed-stale",
        )
        for code, entity_id, item_id, location_id, theirs, ours, at in found
    ]  # fmt: skip
