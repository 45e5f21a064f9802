"""What passes between the feed and the add-ons that publish it. Frozen."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef

__all__ = [
    "Acknowledged",
    "Answer",
    "Failed",
    "FeedKey",
    "Publish",
    "Publisher",
    "Serves",
    "Stale",
    "Throttled",
    "Write",
]


class FeedKey(Struct, frozen=True, gc=False):
    """An item at a location, as a channel is to know it."""

    item_id: int
    location_id: int


class Write(Struct, frozen=True):
    """A number that a channel is to take over: `quantity` units of an item at a location may be sold there.

    `compare` is what the channel should have now, by what it acknowledged and told since; None before the first. Who
    can compare and set must, and answer Stale where the channel has another. `watermark` grows with every other number
    of the key. `idempotency_key` names key and watermark: the same one always comes with the same two numbers.
    """

    item_id: int
    location_id: int
    sku: str
    location: str
    quantity: int
    compare: int | None
    watermark: int
    idempotency_key: str


class Acknowledged(Struct, frozen=True):
    """The channel has the number."""


class Stale(Struct, frozen=True):
    """The channel has another number than was compared with, `theirs`, and has not taken over ours."""

    theirs: int


class Throttled(Struct, frozen=True):
    """The channel takes nothing for a while, and has not taken over this."""

    retry_after_seconds: float


class Failed(Struct, frozen=True):
    """It went wrong: `reason` is a slug, `detail` says what to do.

    With `is_final` trying again does not help (the channel does not know the item, say) and the number was not taken
    over. Without, whether it was is not known (a time-out, say): it is tried again.
    """

    reason: str
    detail: str
    is_final: bool = False


Answer = Acknowledged | Stale | Throttled | Failed
Serves = Callable[[Session, Sequence[ChannelRef], datetime], Collection[int]]
Publish = Callable[[ChannelRef, Sequence[Write]], Sequence[Answer]]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who brings numbers to channels.

    `serves(session, channels, now)` returns the ids of those of the channels, live ones of one entity, that it brings
    numbers to; it reads and writes nothing. `publish(channel, writes)` brings a batch, at most `writes_max`, with no
    transaction open and within 60 seconds, and returns one answer per write, in their order. It may be called twice
    with the same write. Raising fails the whole batch, which is tried again.

    `counts_down` says whether the channel lowers its own number when it takes an order, as shops do: only then can the
    orders be netted out that it has taken and not told yet. `writes_per_call` is how many writes the channel's limit
    counts as one.
    """

    name: str
    serves: Serves
    publish: Publish
    counts_down: bool
    writes_max: int = 100
    writes_per_call: int = 1
