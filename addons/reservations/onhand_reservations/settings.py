"""The policies that reservations read, and what they are worth at a place."""

from collections.abc import Sequence
from datetime import datetime

from onhand.contributions import PolicyProfile, PolicyType
from onhand.policies.book import Where
from onhand.policies.services import resolve, resolve_many
from onhand.transaction import context
from onhand_channels.api import ChannelRef
from onhand_master_data.api import ItemRef
from sqlalchemy.orm import Session

__all__ = [
    "BUFFER", "OVERDUE_HOURS", "POLICIES", "PROFILES", "TTL", "buffers", "buffers_of", "overdue_seconds", "ttl_seconds",
    "ttl_seconds_max",
]  # fmt: skip

TTL, TTL_MAX = "reservations.ttl_seconds", "reservations.ttl_seconds_max"
BUFFER, OVERDUE = "reservations.buffer", "reservations.overdue_seconds"
OVERDUE_HOURS = "reservations.overdue_hours"
PLACES = ("item", "category", "location", "channel", "entity")

DEFAULT_BUFFER = 0

POLICIES = (
    PolicyType(TTL, "Time to live of a hold", int, 900, "How long a hold lasts unless it is confirmed.", "s",
               ("channel", "entity"), minimum=1, maximum=31_536_000),
    PolicyType(TTL_MAX, "Longest time to live", int, 86_400, "The longest a channel may ask a hold to last.", "s",
               ("channel", "entity"), minimum=1, maximum=31_536_000),
    PolicyType(BUFFER, "Buffer", int, DEFAULT_BUFFER, "Units kept back: they are on the shelf, but not promised.", "units", PLACES,
               maximum=1_000_000),
    PolicyType(OVERDUE, "Fulfilment service level", int, 86_400,
               "A confirmed hold that is not fulfilled after this long is overdue.", "s", ("channel", "entity"),
               maximum=31_536_000),
    PolicyType(OVERDUE_HOURS, "Service level of overdue holds", int, 8,
               "An overdue hold escalates when it is neither handed over nor let go by then.", "hours",
               ("location", "entity"), maximum=8_760),
)  # fmt: skip

# Luxury promises the last unit and waits for its customer; grocers trust their shelves less and turn faster.
PROFILES = tuple(
    PolicyProfile(name, {TTL: ttl, TTL_MAX: most, BUFFER: kept_back, OVERDUE: overdue})
    for name, ttl, most, kept_back, overdue in (
        ("luxury", 1_800, 172_800, 0, 14_400),
        ("grocery", 600, 3_600, 3, 7_200),
        ("specialty_apparel", 900, 86_400, 1, 172_800),
        ("consumer_electronics", 600, 14_400, 1, 43_200),
    )
)


def ttl_seconds(session: Session, channel: ChannelRef, now: datetime) -> int:
    """Return how long a channel's hold lasts."""
    return _of_channel(session, TTL, channel, now)


def ttl_seconds_max(session: Session, channel: ChannelRef, now: datetime) -> int:
    """Return the longest a channel may ask for."""
    return _of_channel(session, TTL_MAX, channel, now)


def overdue_seconds(session: Session, channel_id: int, entity_id: int, now: datetime) -> int:
    """Return how long a confirmed hold of a channel may stay unfulfilled."""
    return int(resolve(session, OVERDUE, Where(channel_id=channel_id, entity_id=entity_id), at=now))


def buffers(session: Session, places: Sequence[Where], now: datetime) -> list[int]:
    """Return the units to keep back at each place, as decided by its most specific policy."""
    if not context(session).policies.is_set(BUFFER):
        return [DEFAULT_BUFFER] * len(places)
    return [int(value) for value in resolve_many(session, BUFFER, places, at=now)]


def buffers_of(
    session: Session, channel: ChannelRef, items: Sequence[ItemRef], location_ids: Sequence[int], now: datetime
) -> list[int]:
    """Return the units to keep back of each item at each location: items in the order given, locations in theirs.

    While the channel is degraded so, its raise is on top.
    """
    if not context(session).policies.is_set(BUFFER):
        return [DEFAULT_BUFFER + channel.buffer_raise] * (len(items) * len(location_ids))
    places = [
        Where(item.id, item.category_id, location_id, channel.id, channel.entity_id)
        for item in items
        for location_id in location_ids
    ]
    return [floor + channel.buffer_raise for floor in buffers(session, places, now)]


def _of_channel(session: Session, name: str, channel: ChannelRef, now: datetime) -> int:
    return int(resolve(session, name, channel.where, at=now))
