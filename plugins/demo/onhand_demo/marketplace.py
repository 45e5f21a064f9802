"""The marketplaces of the demo, as the availability feed sees them: they take over every number they are brought."""

from collections.abc import Collection, Sequence
from datetime import datetime

from onhand_channels.api import Acknowledged, ChannelRef, Publisher, Write
from sqlalchemy.orm import Session

__all__ = ["MARKETPLACE"]


def _serves(session: Session, channels: Sequence[ChannelRef], now: datetime) -> Collection[int]:  # noqa: ARG001 - a publisher is called so
    return [channel.id for channel in channels if channel.kind == "marketplace"]


def _publish(channel: ChannelRef, writes: Sequence[Write]) -> Sequence[Acknowledged]:  # noqa: ARG001 - a publisher is called so
    return [Acknowledged() for _ in writes]


MARKETPLACE = Publisher("marketplace", _serves, _publish, counts_down=False, writes_max=250, writes_per_call=250)
