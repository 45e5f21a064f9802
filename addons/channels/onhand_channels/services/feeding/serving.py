"""Which channels are fed, and by whom."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_channels.feed_values import Publisher
from onhand_channels.values import ChannelRef

__all__ = ["publisher_of", "publishers", "served"]

log = structlog.get_logger("onhand.channels")


def publishers(session: Session) -> list[tuple[str, Publisher]]:
    """Return every publisher with the noun of its add-on, requirements first."""
    return [(noun, one) for noun, found in context(session).addons.gather_by_addon("publishers") for one in found]


def served(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> dict[int, Publisher]:
    """Return who brings numbers to each channel, by its id: of several the first. Only live ones are served.

    A channel is left out where no add-on says what may be promised, or the publisher's own is off. A publisher that
    raises serves none, for now.
    """
    found: dict[int, Publisher] = {}
    offered = publishers(session)
    addons = context(session).addons
    for entity_id in sorted({channel.entity_id for channel in channels}) if offered else ():
        if addons.caller("promisable", entity_id, now) is None:
            continue
        here = [channel for channel in channels if channel.entity_id == entity_id and channel.active]
        for noun, publisher in offered:
            if here and addons.enabled(entity_id, noun, now):
                wanted = _ask(session, noun, publisher, here, now)
                found |= {one.id: publisher for one in here if one.id in wanted and one.id not in found}
    return found


def publisher_of(session: Session, channel: ChannelRef, *, now: datetime) -> Publisher | None:
    """Return who brings numbers to a channel; None where nobody does."""
    return served(session, [channel], now=now).get(channel.id)


def _ask(session: Session, noun: str, publisher: Publisher, here: Sequence[ChannelRef], now: datetime) -> set[int]:
    try:
        with session.begin_nested():
            return set(publisher.serves(session, here, now))
    except Exception:
        log.exception("publisher_failed", addon=noun, publisher=publisher.name)
        return set()
