"""What reservations ask of a channel before it goes live: somebody chose how long holds last and what is kept back."""

from collections.abc import Sequence
from datetime import datetime

from onhand.policies.services import is_chosen
from onhand_channels.api import ChannelRef, Check
from sqlalchemy.orm import Session

from onhand_reservations.settings import BUFFER, TTL

__all__ = ["checks_of"]


def checks_of(session: Session, channels: Sequence[ChannelRef], *, now: datetime) -> list[list[Check]]:
    """Return the checks of each channel, in their order. Reads memory, not the database."""
    return [
        [
            _is_set(session, channel, TTL, "ttl", "Time to live of holds set", now),
            _is_set(session, channel, BUFFER, "buffer", "Buffer set", now),
        ]
        for channel in channels
    ]


def _is_set(session: Session, channel: ChannelRef, policy: str, name: str, title: str, now: datetime) -> Check:
    if is_chosen(session, policy, channel.where, at=now):
        return Check(name, title, True, "set for the channel, its entity or the group", policy=policy)
    mend = f"Set {policy} for the channel, its entity or the group."
    return Check(name, title, False, "nobody has chosen it: the default holds", mend, policy=policy)
