"""What is asked of reservations, and what they answer."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from onhand_channels.api import ChannelRef

__all__ = [
    "Asker",
    "Change",
    "Changed",
    "Extended",
    "Extension",
    "Held",
    "HeldLine",
    "Hold",
    "HoldRequest",
    "LineQuantity",
    "NotAllowed",
    "OutOfStock",
    "Shortfall",
    "Unknown",
    "WantedLine",
    "Wish",
    "Within",
]  # fmt: skip


class WantedLine(Struct, frozen=True, gc=False):
    """Units of an item wanted; without a location the channel's locations are asked in their order."""

    sku: str
    quantity: int
    location: str | None = None


class Within(Struct, frozen=True, gc=False):
    """What an asker may touch of an entity: one channel's holds (None: all), and those at some locations (None: all)."""

    channel: str | None = None
    location_ids: frozenset[int] | None = None

    def admits(self, channel: str, location_ids: Iterable[int]) -> bool:
        """Tell whether a hold of this channel, with lines at these locations, may be touched: whole or not at all."""
        if self.channel is not None and self.channel != channel:
            return False
        return self.location_ids is None or self.location_ids.issuperset(location_ids)


class Asker(Struct, frozen=True, gc=False):
    """Who asks: the channel it speaks for (None: any), and in which entities, at which locations (None: all) it may."""

    source: str | None
    reach: Mapping[int, frozenset[int] | None]

    def within(self, entity_id: int) -> Within | None:
        """Return what it may touch of an entity; None where nothing narrows it."""
        places = self.reach.get(entity_id, frozenset())
        return None if self.source is None and places is None else Within(self.source, places)


class HoldRequest(Struct, frozen=True, gc=False):
    """A wish to hold: all lines or none. `actor` is the author where callers share a batch."""

    channel: ChannelRef
    reference: str
    lines: tuple[WantedLine, ...]
    ttl_seconds: int | None = None
    actor: str | None = None
    replaces: UUID | None = None
    within: Within | None = None


class Wish(Struct, frozen=True, gc=False):
    """A hold wished for by the code of its channel, which the transaction that holds looks up."""

    code: str
    asker: Asker
    reference: str
    lines: tuple[WantedLine, ...]
    ttl_seconds: int | None
    actor: str


class HeldLine(Struct, frozen=True, gc=False):
    """A line as promised."""

    line: int
    sku: str
    location: str
    quantity: int
    fulfilled: int = 0
    released: int = 0


class Hold(Struct, frozen=True, gc=False):
    """A hold as it stands."""

    id: UUID
    status: str
    expires_at: datetime
    lines: tuple[HeldLine, ...]
    reference: str
    channel: str
    replaces: UUID | None = None


class Shortfall(Struct, frozen=True, gc=False):
    """A line that cannot be promised, with the numbers; `available` is above the buffer."""

    line: int
    sku: str
    location: str | None
    requested: int
    available: int


class OutOfStock(Struct, frozen=True, gc=False):
    """Refused: these lines are not covered. `curable`: expired holds or other locations may cover them at a second try."""

    shortfalls: tuple[Shortfall, ...]
    as_of: datetime
    curable: bool = False


class Unknown(Struct, frozen=True, gc=False):
    """Refused: a field names something that does not exist here, or a value out of bounds: (field, message, value)."""

    errors: tuple[tuple[str, str, str], ...]


class NotAllowed(Struct, frozen=True, gc=False):
    """Refused: the hold's state does not allow it.

    `reason`: not_found, expired, settled, not_confirmed, too_many, replaced (was held anew before), ttl (how long),
    draining (the add-on only runs out), channel_inactive; or why a guard objects.
    """

    reason: str
    detail: str
    status: str | None = None


class LineQuantity(Struct, frozen=True, gc=False):
    """Some units of a hold's line."""

    line: int
    quantity: int


class Change(Struct, frozen=True, gc=False):
    """A wish to confirm, release or fulfil a hold; without lines: all that is open."""

    hold_id: UUID
    lines: tuple[LineQuantity, ...] | None = None
    event: str | None = None
    actor: str | None = None
    within: Within | None = None


class Extension(Struct, frozen=True, gc=False):
    """A wish to hold longer, for `ttl_seconds` from now (None: the channel's policy)."""

    hold_id: UUID
    ttl_seconds: int | None = None
    actor: str | None = None
    within: Within | None = None


Held = Hold | OutOfStock | Unknown | NotAllowed
Changed = Hold | NotAllowed
Extended = Hold | NotAllowed | OutOfStock
