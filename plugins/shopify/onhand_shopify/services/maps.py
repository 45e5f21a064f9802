"""What is called what: a shop's locations and ours, its inventory items and SKUs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from onhand_channels.api import ChannelRef, retry_numbers
from sqlalchemy.orm import Session

from onhand_shopify.services.inbox import wake
from onhand_shopify.values import ItemRow, LocationRow

__all__ = ["forget_items", "map_locations", "save_items", "save_locations"]

SAVE_LOCATIONS = """
/* shopify.save_locations */ INSERT INTO shopify.shop_location AS l (channel_id, shopify_id, entity_id, name, is_active)
SELECT s.channel_id, k.shopify_id, s.entity_id, k.name, k.is_active
FROM unnest(%s::bigint[], %s::text[], %s::bool[]) AS k (shopify_id, name, is_active), shopify.shop s
WHERE s.channel_id = %s ORDER BY 2
ON CONFLICT (channel_id, shopify_id) DO UPDATE SET name = excluded.name, is_active = excluded.is_active
"""
SAVE_ITEMS = """
/* shopify.save_items */ INSERT INTO shopify.shop_item AS i (channel_id, shopify_id, entity_id, variant_id, sku, read_at)
SELECT s.channel_id, k.shopify_id, s.entity_id, k.variant_id, k.sku, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k (shopify_id, variant_id, sku), shopify.shop s
WHERE s.channel_id = %s ORDER BY 2
ON CONFLICT (channel_id, shopify_id) DO UPDATE SET variant_id = excluded.variant_id, sku = excluded.sku,
  read_at = excluded.read_at
"""
FORGET = (
    "/* shopify.forget_items */ DELETE FROM shopify.shop_item WHERE channel_id = %s AND shopify_id = ANY(%s::bigint[])"
)
FORGET_UNREAD = "/* shopify.forget_unread */ DELETE FROM shopify.shop_item WHERE channel_id = %s AND read_at < %s"
LOCK = "/* shopify.lock_shop */ SELECT FROM shopify.shop WHERE channel_id = %s FOR NO KEY UPDATE"
BEFORE = "/* shopify.mapped */ SELECT shopify_id, location_id FROM shopify.shop_location WHERE channel_id = %s"
UNMAP = "/* shopify.unmap */ UPDATE shopify.shop_location SET location_id = NULL WHERE channel_id = %s AND shopify_id = ANY(%s::bigint[])"
MAP = """
/* shopify.map */ UPDATE shopify.shop_location l SET location_id = k.location_id
FROM unnest(%s::bigint[], %s::int[]) AS k (shopify_id, location_id)
WHERE l.channel_id = %s AND l.shopify_id = k.shopify_id
"""


def save_locations(session: Session, channel_id: int, rows: Sequence[LocationRow]) -> None:
    """Keep a shop's locations as it lists them. Which of ours each is stays as people said; twice is harmless."""
    one = {row.shopify_id: row for row in rows}
    actives = "{" + ",".join("t" if row.is_active else "f" for row in one.values()) + "}"
    columns = (int_array(one), text_array([_plain(row.name) for row in one.values()]), actives)
    cursor(session).execute(SAVE_LOCATIONS, (*columns, channel_id))


def save_items(
    session: Session, channel_id: int, rows: Sequence[ItemRow], *, now: datetime, whole: datetime | None = None
) -> None:
    """Keep a shop's inventory items by SKU, and have what was parked for want of them tried again.

    With `whole` they are the last of all: items that were not read since that moment are forgotten.
    """
    one = {row.shopify_id: row for row in rows if _plain(row.sku)}
    columns = (
        int_array(one),
        int_array([row.variant_id for row in one.values()]),
        text_array([_plain(row.sku) for row in one.values()]),
    )
    if one:
        cursor(session).execute(SAVE_ITEMS, (now, *columns, channel_id))
        wake(session, channel_id, "unknown_item", map(str, one))
        wake(session, channel_id, "sku_missing", [str(row.variant_id) for row in one.values() if row.variant_id])
    if whole is not None:
        cursor(session).execute(FORGET_UNREAD, (channel_id, whole))


def forget_items(session: Session, channel_id: int, shopify_ids: Sequence[int]) -> None:
    """Forget inventory items that the shop no longer knows, so that their SKUs are looked up again."""
    cursor(session).execute(FORGET, (channel_id, int_array(shopify_ids)))


def map_locations(
    session: Session, channel: ChannelRef, wanted: Mapping[int, int | None], *, by: Actor, now: datetime
) -> int:
    """Say which of our locations each of a shop's is, None for none; return how many changed. Unknown ids are passed over.

    What was parked for want of it, webhooks and the feed's numbers, is tried again. Two of a shop's locations are never one of ours: the caller has seen
    to that, and the database does.
    """
    sql = cursor(session)
    sql.execute(LOCK, (channel.id,))
    before: dict[int, int | None] = dict(sql.execute(BEFORE, (channel.id,)).fetchall())
    changed = {one: to for one, to in wanted.items() if one in before and before[one] != to}
    if not changed:
        return 0
    ids = int_array(changed)
    sql.execute(UNMAP, (channel.id, ids))  # first, so that two may change places
    sql.execute(MAP, (ids, int_array(changed.values()), channel.id))
    wake(session, channel.id, "unknown_location", [str(one) for one, to in changed.items() if to is not None])
    retry_numbers(session, channel, reasons={"unknown_location"}, by=by, now=now)
    audit.record(
        session, by=by, action="shopify.map_locations", subject=f"channel:{channel.code}", entity_id=channel.entity_id,
        before={str(one): before[one] for one in changed}, after={str(one): to for one, to in changed.items()},
    )  # fmt: skip
    return len(changed)


def _plain(text: str) -> str:
    return "".join(one for one in text if one.isprintable()).strip()[:255]
