"""Which shops the one who asks may reach, and how a wish about one reads."""

from datetime import datetime

from flask import current_app, request
from onhand import outgoing, problems
from onhand.access import actor, principal, scope
from onhand.config import Settings
from onhand_channels.api import ChannelRef, channels_by_code, channels_of
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, services
from onhand_shopify.admin_api import address_of
from onhand_shopify.queries import ShopState
from onhand_shopify.values import Connect, NotConnected

__all__ = [
    "connected", "demand_whole", "is_reached", "known_channel", "known_shop", "may_edit", "reached_shops", "settings",
    "webhook_address",
]  # fmt: skip


def settings() -> Settings:
    """Return how this process runs."""
    found: Settings = current_app.extensions["onhand_settings"]
    return found


def webhook_address(code: str) -> str:
    """Return the address that a shop's webhooks go to."""
    site = settings().site_url or request.host_url
    return f"{site.rstrip('/')}/api/v1/shopify/{code}/webhooks"


def is_reached(channel: ChannelRef, permission: str) -> bool:
    """Say whether a channel is within reach: of who holds the permission in its entity, or at one of its locations."""
    if channel.entity_id not in scope() or principal().source not in {None, channel.code}:
        return False
    held = principal().locations(permission, channel.entity_id)
    return held is None or not set(held).isdisjoint(channel.location_ids)


def known_channel(session: Session, code: str, permission: str) -> ChannelRef:
    """Return a channel within reach; NotFound otherwise, whatever else it may be."""
    for channel in channels_by_code(session, [code]):
        if is_reached(channel, permission):
            return channel
    raise problems.NotFound("there is no such channel")


def known_shop(session: Session, code: str, permission: str = "shopify.read") -> tuple[ChannelRef, ShopState]:
    """Return a channel within reach and the shop it is connected to, or was; NotFound otherwise."""
    channel = known_channel(session, code, permission)
    for shop in queries.shops(session, [channel.entity_id], code):
        return channel, shop
    raise problems.NotFound("this channel is connected to no shop")


def reached_shops(session: Session) -> list[ShopState]:
    """Return the shops within reach."""
    reached = {channel.id for channel in channels_of(session, scope()) if is_reached(channel, "shopify.read")}
    return [shop for shop in queries.shops(session, scope()) if shop.channel_id in reached]


def may_edit(entity_id: int) -> bool:
    """Say whether shops of an entity may be changed: draw a button or not."""
    known = principal()
    return known.may("shopify.edit", entity_id) and known.locations("shopify.edit", entity_id) is None


def demand_whole() -> None:
    """Forbid what concerns a whole shop to those who hold the permission at some locations only."""
    if any(principal().locations("shopify.edit", entity_id) is not None for entity_id in scope()):
        raise problems.Forbidden("this concerns the whole shop; the permission is held at single locations only")


def connected(session: Session, wish: Connect, now: datetime) -> list[NotConnected]:
    """Connect a channel within reach to a shop and have it read; return what is wrong with the wish."""
    channel = known_channel(session, wish.channel, "shopify.edit")
    address = address_of(wish.domain)
    if not wish.domain.endswith(".myshopify.com") and address.startswith("https:"):
        return [
            NotConnected(
                "domain", "say the shop's own domain, as in tea-shop.myshopify.com: its secrets go nowhere else"
            )
        ]
    try:
        outgoing.check(f"{address}/", settings().outgoing_hosts)
    except outgoing.BadAddress as bad:
        return [NotConnected("domain", str(bad))]
    secret = settings().secret_key
    faults = services.connect(session, channel, wish, site_secret=secret, by=actor(), now=now)
    if not faults:
        jobs.have_read(session, channel.entity_id, channel.code)
    return faults
