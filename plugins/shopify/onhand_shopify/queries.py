"""What lists, pages and the publisher read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from onhand.db import cursor, int_array, text_array
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from onhand_shopify.models import Delivery
from onhand_shopify.values import Known

__all__ = [
    "NEWEST",
    "LocationOfShop",
    "ShopState",
    "codes",
    "connected",
    "deliveries",
    "delivery",
    "items_by_sku",
    "known_names",
    "locations_of",
    "orders_to_hold",
    "parked_groups",
    "places_of",
    "shops",
    "waiting_count",
]  # fmt: skip

NEWEST: tuple[ColumnElement[Any], ...] = (Delivery.received_at.desc(), Delivery.id.desc())
CONNECTED = "/* shopify.connected */ SELECT channel_id FROM shopify.shop WHERE channel_id = ANY(%s::int[]) AND secret IS NOT NULL"
CODES = "/* shopify.codes */ SELECT c.code FROM shopify.shop s JOIN channels.channel c ON c.id = s.channel_id WHERE s.entity_id = ANY(%s::int[]) AND s.secret IS NOT NULL ORDER BY 1"
SHOPS = """
/* shopify.shops */ SELECT c.id, s.entity_id, c.code, c.name, c.state, s.domain, s.api_version, s.client_id,
  s.secret IS NOT NULL, s.access_token IS NOT NULL, s.former_until, s.connected_at, s.read_at, s.read_fault,
  s.published_at, s.publish_fault, s.publish_fault_at,
  (SELECT max(d.received_at) FROM shopify.delivery d WHERE d.channel_id = s.channel_id),
  (SELECT count(*) FROM shopify.delivery d WHERE d.entity_id = s.entity_id AND d.channel_id = s.channel_id AND d.outcome = 'parked'),
  (SELECT count(*) FROM shopify.delivery d WHERE d.channel_id = s.channel_id AND d.outcome = 'waiting'),
  (SELECT count(*) FROM shopify.shop_location l WHERE l.channel_id = s.channel_id AND l.is_active AND l.location_id IS NULL),
  (SELECT count(*) FROM shopify.shop_item i WHERE i.channel_id = s.channel_id)
FROM shopify.shop s JOIN channels.channel c ON c.id = s.channel_id
WHERE s.entity_id = ANY(%s::int[]) AND (%s::text IS NULL OR c.code = %s) ORDER BY c.code
"""
LOCATIONS = """
/* shopify.locations */ SELECT l.shopify_id, l.name, l.is_active, l.location_id, m.code
FROM shopify.shop_location l LEFT JOIN master_data.location m ON m.id = l.location_id
WHERE l.channel_id = %s ORDER BY l.is_active DESC, l.name, l.shopify_id
"""
NAMES = """
/* shopify.names */ SELECT shopify_id, variant_id, sku FROM shopify.shop_item
WHERE channel_id = %s AND (shopify_id = ANY(%s::bigint[]) OR variant_id = ANY(%s::bigint[]))
"""
BY_SKU = "/* shopify.by_sku */ SELECT sku, shopify_id FROM shopify.shop_item WHERE channel_id = %s AND sku = ANY(%s::text[]) ORDER BY 1, 2"
PLACES = "/* shopify.places */ SELECT location_id, shopify_id FROM shopify.shop_location WHERE channel_id = %s AND location_id IS NOT NULL"
GROUPS = """
/* shopify.parked_groups */ SELECT reason, code, count(*), min(received_at), min(detail) FROM shopify.delivery
WHERE channel_id = %s AND outcome = 'parked' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 100
"""
TO_HOLD = """
/* shopify.to_hold */ SELECT c.code, o.order_reference FROM shopify.order_hold o JOIN channels.channel c ON c.id = o.channel_id
WHERE o.entity_id = %s AND o.status IN ('waiting', 'unheld') AND o.since > %s ORDER BY o.since LIMIT 1000
"""
WAITING = (
    "/* shopify.waiting_count */ SELECT count(*) FROM shopify.delivery WHERE entity_id = %s AND outcome = 'waiting'"
)


class ShopState(Struct, frozen=True):
    """A shop as its page shows it; no secret is among it."""

    channel_id: int
    entity_id: int
    code: str
    name: str
    state: str
    domain: str
    api_version: str
    client_id: str | None
    is_connected: bool
    has_token: bool
    former_until: datetime | None
    connected_at: datetime
    read_at: datetime | None
    read_fault: str | None
    published_at: datetime | None
    publish_fault: str | None
    publish_fault_at: datetime | None
    last_webhook_at: datetime | None
    parked: int
    waiting: int
    unmapped: int
    items: int


class LocationOfShop(Struct, frozen=True):
    """A location of a shop and which of ours it is."""

    shopify_id: int
    name: str
    is_active: bool
    location_id: int | None
    location: str | None


def connected(session: Session, channel_ids: Collection[int]) -> set[int]:
    """Return which channels are connected to a shop."""
    return {row[0] for row in cursor(session).execute(CONNECTED, (int_array(channel_ids),)).fetchall()}


def codes(session: Session, entities: Sequence[int]) -> list[str]:
    """Return the codes of channels that are connected to a shop."""
    return [row[0] for row in cursor(session).execute(CODES, (int_array(entities),)).fetchall()]


def shops(session: Session, entities: Sequence[int], code: str | None = None) -> list[ShopState]:
    """Return the shops of entities by their channels' codes, or the one of a code."""
    rows = cursor(session).execute(SHOPS, (int_array(entities), code, code)).fetchall()
    return [ShopState(*row) for row in rows]


def locations_of(session: Session, channel_id: int) -> list[LocationOfShop]:
    """Return a shop's locations, those in use first."""
    return [LocationOfShop(*row) for row in cursor(session).execute(LOCATIONS, (channel_id,)).fetchall()]


def known_names(session: Session, channel_id: int, items: Collection[int], variants: Collection[int]) -> Known:
    """Return what a shop's ids mean: all of its locations, and those of these inventory items and variants that are known."""
    arguments = (channel_id, int_array(items), int_array(variants))
    rows = cursor(session).execute(NAMES, arguments).fetchall() if items or variants else []
    places = {one.shopify_id: one.location for one in locations_of(session, channel_id) if one.location}
    return Known(places, {row[0]: row[2] for row in rows}, {row[1]: row[2] for row in rows if row[1]})


def items_by_sku(session: Session, channel_id: int, skus: Collection[str]) -> dict[str, list[int]]:
    """Return the inventory items of SKUs: several where the shop has a SKU more than once."""
    found: dict[str, list[int]] = {}
    for sku, shopify_id in cursor(session).execute(BY_SKU, (channel_id, text_array(sorted(skus)))).fetchall():
        found.setdefault(sku, []).append(shopify_id)
    return found


def places_of(session: Session, channel_id: int) -> dict[int, int]:
    """Return what the shop calls our locations, by our ids."""
    return dict(cursor(session).execute(PLACES, (channel_id,)).fetchall())


def parked_groups(session: Session, channel_id: int) -> list[dict[str, Any]]:
    """Return what parked webhooks of a shop lack, most of them first, at most 100."""
    rows = cursor(session).execute(GROUPS, (channel_id,)).fetchall()
    return [dict(zip(("reason", "code", "count", "since", "detail"), row, strict=True)) for row in rows]


def orders_to_hold(session: Session, entity_id: int, *, since: datetime) -> dict[str, list[str]]:
    """Return the orders of each channel that are not held yet, of those that were seen first since then; at most 1,000."""
    found: dict[str, list[str]] = {}
    for code, order in cursor(session).execute(TO_HOLD, (entity_id, since)).fetchall():
        found.setdefault(code, []).append(order)
    return found


def waiting_count(session: Session, entity_id: int) -> int:
    """Return how many webhooks of an entity nobody has looked at yet."""
    row = cursor(session).execute(WAITING, (entity_id,)).fetchone()
    return int(row[0]) if row else 0


def deliveries(channel_id: int, outcome: str = "") -> Select[Any]:
    """Return webhooks of a shop, of one outcome or of all, without their bodies; ordered by `NEWEST`."""
    columns = [
        column for column in Delivery.__table__.columns if column.name not in ("body", "entity_id", "channel_id")
    ]
    query = select(*columns).where(Delivery.channel_id == channel_id)
    return query.where(Delivery.outcome == outcome) if outcome else query


def delivery(session: Session, channel_id: int, delivery_id: UUID) -> Delivery | None:
    """Return a webhook of a shop, as it came."""
    return session.scalar(select(Delivery).where(Delivery.channel_id == channel_id, Delivery.id == delivery_id))
