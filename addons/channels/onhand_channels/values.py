"""Frozen data that crosses this add-on's doors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct
from onhand.actors import Actor
from onhand.policies.book import Where
from onhand_master_data.api import KEEP, FieldError, Keep
from sqlalchemy.orm import Session

from onhand_channels.states import LIVE, SHADOWS

__all__ = [
    "KEEP", "Advance", "Advanced", "ChannelChange", "ChannelDraft", "ChannelRef", "ChannelRefused", "Check", "Claim", "Degrade", "Degraded", "Delivery", "Demand",
    "EventType", "Fault", "FieldError", "Foresee", "Foreseen", "Handle", "Incoming", "Keep", "OrderUnits", "Outcome", "Postable",
    "Read", "Stayed", "Waits",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelDraft:
    """A channel as it shall be. `entity` and `locations` are codes; locations in the order they are asked.

    `state` is what a new one begins as: `live` where whoever writes it vouches for it, `proposed` where its life is to
    be governed from the start. A channel that exists keeps its state: that changes by `advance` alone.
    """

    code: str
    name: str
    kind: str
    entity: str
    locations: tuple[str, ...] = ()
    state: str = LIVE


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What shall become of the channel named by `code`. Its code and its entity never change; its state advances."""

    code: str
    name: str | Keep = KEEP
    kind: str | Keep = KEEP
    locations: tuple[str, ...] | Keep = KEEP


@dataclass(frozen=True, slots=True)
class Advance:
    """A step that a channel shall take. `expected` is the state its author saw: if it is another by now, it stays."""

    code: str
    to: str
    reason: str = ""
    expected: str | None = None


class ChannelRefused(Exception):
    """Nothing was kept: the errors say what is wrong with which member of the list."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(f"{one.field} {one.value!r}: {one.message}" for one in self.errors[:5]))


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel as the hot path knows it. `location_ids` in the order they are asked.

    `mode` is how far it is degraded, `buffer_raise` the units of everything kept back beyond buffers while it is.
    """

    id: int
    code: str
    name: str
    kind: str
    entity_id: int
    state: str
    location_ids: tuple[int, ...]
    mode: str = "normal"
    is_by_hand: bool = False
    buffer_raise: int = 0

    @property
    def where(self) -> Where:
        """Where the policies of the channel as a whole are looked up."""
        return Where(channel_id=self.id, entity_id=self.entity_id)

    @property
    def takes_holds(self) -> bool:
        """Whether new promises are made to it: it is live, and not degraded so far that there are none."""
        return self.state == LIVE and self.mode != "stop_holds"

    @property
    def active(self) -> bool:
        """Whether what it tells moves stock: it is live."""
        return self.state == LIVE

    @property
    def is_shadow(self) -> bool:
        """Whether what it tells is only reported on: it is not live yet."""
        return self.state in SHADOWS


@dataclass(frozen=True, slots=True)
class Advanced:
    """A channel that took a step; `channel` is as it was before."""

    channel: ChannelRef
    came_from: str
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Degrade:
    """How far a channel shall be degraded, chosen by hand; `automatic` leaves it to its policies again."""

    code: str
    mode: str
    reason: str


@dataclass(frozen=True, slots=True)
class Degraded:
    """A channel whose mode changed; `channel` is as it was before."""

    channel: ChannelRef
    before: str
    mode: str


@dataclass(frozen=True, slots=True)
class Stayed:
    """A channel that stays as it is: `reason` is a slug, `detail` says what to do, `unmet` what is not fulfilled yet."""

    code: str
    state: str | None
    reason: str
    detail: str
    unmet: "tuple[Check, ...]" = ()


class Check(Struct, frozen=True):
    """An item of a channel's checklist: whether it is fulfilled, why (not), what mends it and where.

    `policy` names the business rule to be set, where that is what mends it.
    """

    name: str
    title: str
    is_fulfilled: bool
    detail: str
    mend: str = ""
    href: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Waits:
    """A step that waits for other people's consent: the approval's id, and the roles whose turn it is."""

    channel: ChannelRef
    came_from: str
    to: str
    approval: str
    roles: tuple[str, ...]


class Delivery(Struct, frozen=True):
    """Events one caller delivers for one channel, each as the JSON text it came as; `by` where callers share a batch."""

    channel: ChannelRef
    events: Sequence[Raw]
    by: Actor | None = None


class Incoming(Struct, gc=False):
    """One event on its way in."""

    channel: ChannelRef
    id: str
    type: str
    occurred_at: datetime
    data: Any
    body: str
    actor: str | None = None


class Fault(Struct, frozen=True):
    """Why an event cannot be posted now: `reason` is a slug, `detail` says what to mend."""

    reason: str
    detail: str
    code: str = ""


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What became of an event: posted, duplicate, conflict, parked, shadowed or refused; a problem if there is one."""

    id: str | None
    outcome: str
    problem: dict[str, Any] | None = None


class Demand(Struct, frozen=True, gc=False):
    """Units shipped for an order line, for which units may have been promised."""

    channel_id: int
    entity_id: int
    order_reference: str
    line: str | None
    item_id: int
    location_id: int
    quantity: int


class OrderUnits(Struct, frozen=True, gc=False):
    """What is known of an item of an order by now, over all of its lines, in base units."""

    order_reference: str
    item_id: int
    ordered: int
    cancelled: int
    fulfilled: int
    returned: int


class Claim(Struct, frozen=True, gc=False):
    """What a demand may draw on before the shelf: states with the most from each, and a mark for who keeps them."""

    draws: tuple[tuple[str, int], ...]
    mark: Any


class Postable(Struct, gc=False):
    """An event that is understood: what `read` made of it, for its type's `handle`."""

    event: Incoming
    plan: Any


class Foreseen(Struct, frozen=True, gc=False):
    """What carrying out a line of an event would do: `effect` on what is available there is -1, 1 or 0 per unit."""

    kind: str
    item_id: int
    location_id: int | None
    quantity: int
    effect: int = 0


Read = Callable[[Session, Sequence[Incoming]], list["Any | Fault"]]
Handle = Callable[[Session, Sequence[Postable], Actor, datetime], None]
Foresee = Callable[[Session, Sequence[Postable]], list[list[Foreseen]]]


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event that the intake understands.

    `data` is the msgspec type of its data. `read(session, events)` answers each event with whatever `handle` needs, or
    with the Fault that parks it; it writes nothing. `handle(session, postables, by, now)` carries out new events, all
    at once. Types that share both functions are read and handled in one call. `foresee(session, postables)` says for
    the report of a channel that is not live yet what handling each would do; it writes nothing. Without it nothing is
    foreseen.
    """

    name: str
    data: type[Any]
    read: Read
    handle: Handle
    foresee: Foresee | None = None
