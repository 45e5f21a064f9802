"""A channel's feed as its health page and REST show it."""

from datetime import datetime
from typing import Any

import msgspec
from onhand.policies.services import resolve
from sqlalchemy.orm import Session

from onhand_channels.feed_queries import FeedStatus, feed_status, parked_keys, stale_keys
from onhand_channels.services import feeding
from onhand_channels.values import ChannelRef

__all__ = ["feed_of"]

NEVER_FED = FeedStatus(0, None, 0, 0, None, None, 0, 0, None, is_behind=False)


def feed_of(session: Session, channel: ChannelRef, now: datetime) -> dict[str, Any]:
    """Return how a channel's feed is, who brings it, which numbers differ and which were parked last."""
    publisher = feeding.publisher_of(session, channel, now=now)
    status = feed_status(session, [channel.id], now=now).get(channel.id, NEVER_FED)
    return {
        **msgspec.structs.asdict(status),
        "publisher": publisher.name if publisher else None,
        "writes_per_minute": int(resolve(session, feeding.WRITES_PER_MINUTE, channel.where, at=now)),
        "stale_keys": [msgspec.structs.asdict(key) for key in stale_keys(session, channel)],
        "parked_keys": [msgspec.structs.asdict(key) for key in parked_keys(session, channel)],
    }
