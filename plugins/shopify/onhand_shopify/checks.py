"""What a channel that is connected to a shop must fulfil before it goes live."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from onhand_channels.api import ChannelRef, Check
from sqlalchemy.orm import Session

from onhand_shopify import queries, settings
from onhand_shopify.queries import ShopState

__all__ = ["checks_of"]


def checks_of(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> list[list[Check]]:
    """Return the checks of each channel, in their order; none where it is connected to no shop."""
    entities = sorted({channel.entity_id for channel in channels})
    shops = {shop.channel_id: shop for shop in queries.shops(session, entities) if shop.is_connected}
    return [_checks(session, channel, shops.get(channel.id), now) for channel in channels]


def _checks(session: Session, channel: ChannelRef, shop: ShopState | None, now: datetime) -> list[Check]:
    if shop is None:
        return []
    page = f"/shopify/{quote(channel.code)}"
    is_read = shop.read_at is not None and shop.read_fault is None
    read = "its locations and items are known" if is_read else shop.read_fault or "it was not read yet"
    mapped = set(channel.location_ids) - queries.places_of(session, channel.id).keys()
    where = (
        f"{len(mapped)} of the channel's locations are none of the shop's" if mapped else "all are known to the shop"
    )
    is_held = settings.holds_orders(session, channel, now)
    is_known = is_held or settings.knows_in_flight(session, channel, now)
    held = "what it sells is held" if is_held else "kept off its number for a time that somebody chose" if is_known else (
        "what it sells is held by nobody, and offered again after an hour")  # fmt: skip
    return [
        Check("shopify_read", "Shopify shop read", is_read, read, "" if is_read else "Mend what keeps it from being read, then read the shop.", page),
        Check("shopify_locations", "Locations mapped", not mapped, where, "Say which of the shop's locations each is." if mapped else "", f"{page}#locations"),
        Check(
            "shopify_orders", "Orders kept until they are shipped", is_known, held,
            "" if is_known else "Switch reservations on, or set channels.feed_in_flight_minutes to the time that shipping takes.",
            policy="" if is_held else settings.IN_FLIGHT_MINUTES,
        ),
    ]  # fmt: skip
