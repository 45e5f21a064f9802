"""Business rules, read."""

from datetime import datetime, timedelta

from onhand.policies.book import Where
from onhand.policies.services import is_chosen, resolve
from onhand.transaction import context
from onhand_channels.api import ChannelRef
from sqlalchemy.orm import Session

__all__ = [
    "HOLD_ORDERS",
    "IN_FLIGHT_MINUTES",
    "KEEP_DAYS",
    "LEVELS_WAIT",
    "holds_orders",
    "keeps_for",
    "knows_in_flight",
    "levels_wait",
]

KEEP_DAYS = "shopify.delivery_days"
HOLD_ORDERS = "shopify.hold_orders"
LEVELS_WAIT = "shopify.levels_seconds"
IN_FLIGHT_MINUTES = "channels.feed_in_flight_minutes"
RESERVATIONS = "reservations"


def keeps_for(session: Session, entity_id: int, now: datetime) -> timedelta:
    """Return how long an entity keeps webhooks that are done with."""
    return timedelta(days=int(resolve(session, KEEP_DAYS, Where(entity_id=entity_id), at=now)))


def levels_wait(session: Session, entity_id: int, now: datetime) -> timedelta:
    """Return how long after it came a shop's own number is compared."""
    return timedelta(seconds=int(resolve(session, LEVELS_WAIT, Where(entity_id=entity_id), at=now)))


def holds_orders(session: Session, channel: ChannelRef, now: datetime) -> bool:
    """Say whether what a channel's shop sells is held: by policy, where reservations are on."""
    addons = context(session).addons
    if RESERVATIONS not in addons.names or not addons.enabled(channel.entity_id, RESERVATIONS, now):
        return False
    return bool(resolve(session, HOLD_ORDERS, channel.where, at=now))


def knows_in_flight(session: Session, channel: ChannelRef, now: datetime) -> bool:
    """Say whether somebody chose for how long the feed keeps off a channel what was sold and not told."""
    return is_chosen(session, IN_FLIGHT_MINUTES, channel.where, at=now)
