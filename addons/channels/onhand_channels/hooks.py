"""The hooks that channels offer."""

from collections.abc import Sequence
from datetime import datetime

from onhand.hooks import contribute, decide, observe, one_per
from sqlalchemy.orm import Session

from onhand_channels.events import OrderLinesCancelled
from onhand_channels.feed_values import FeedKey, Publisher
from onhand_channels.values import ChannelRef, Check, Claim, Demand, EventType


@contribute
def event_types() -> list[EventType]:
    """contribute, at start-up: types of event the intake understands. Raising, or a type twice, leaves the add-on out."""
    return []


@contribute
@one_per("channels")
def channel_checks(session: Session, channels: Sequence[ChannelRef], now: datetime) -> list[list[Check]]:
    """contribute, when a checklist is asked for: what each channel must fulfil before it goes live.

    Return one list per channel, in their order; write nothing. Raising fails the question, and with it the step.
    """
    return []


@decide
@one_per("demands")
def claims(session: Session, demands: Sequence[Demand], now: datetime) -> list[Claim | None] | None:
    """decide, before any balance is locked: which promised units each shipped line may draw on.

    Return one answer per demand, in order (None: nothing is promised to it), or None to leave it to the next add-on.
    Lock what you answer for; it stays locked until the shipment is posted. Raising parks the events.
    """


@decide
@one_per("keys")
def promisable(session: Session, channel: ChannelRef, keys: Sequence[FeedKey], now: datetime) -> list[int] | None:
    """decide, when a channel's numbers are due: units of each key that may be sold there now, nothing locked.

    Return one number per key, 0 or more, in their order; or None to leave it to the next add-on. Write nothing. Raising
    publishes nothing, and is tried again.
    """


@contribute
def publishers() -> list[Publisher]:
    """contribute, at start-up: who brings availability to which channels. Raising leaves the add-on out."""
    return []


@observe
def order_lines_cancelled(session: Session, events: Sequence[OrderLinesCancelled], now: datetime) -> None:
    """observe, after the commit: units of orders that their channel cancelled. Raising is retried, then parked.

    Told in lists, so that who lets stock go does so at once, under one set of locks.
    """
