"""What the book must say afterwards, worked out from the sender's own account alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from onhand_demo.events import RECEIPT, RETURN, SALE, SHIPMENT, Event
from onhand_demo.journal import EventKey, Journal
from onhand_demo.stream import Batch, Stream
from onhand_demo.world import World

SIGNS = {RECEIPT: 1, RETURN: 1, SALE: -1, SHIPMENT: -1}
"""How a fact changes what is on hand; orders and cancellations change what is promised, not what is there."""


class Expectation:
    """The units each location must have on hand, by (location code, SKU)."""

    def __init__(self, world: World) -> None:
        self._skus = {name: item.sku for item in world.items.values() for name in (item.sku, item.gtin)}
        self._locations = {location.code for location in world.locations}
        self._hidden = {world.items[product].sku for product in set(world.withheld) - set(world.mended)}
        self._late = {world.items[product].sku for product in world.mended}

    def postable(self, event: Event, *, mended: bool) -> bool:
        """Whether the master data knows everything the event names, before or after the mending."""
        unknown = self._hidden if mended else self._hidden | self._late
        return event.data["location"] in self._locations and unknown.isdisjoint(self._named(event))

    def on_hand(self, events: Iterable[Event]) -> dict[tuple[str, str], int]:
        """What these events leave; a negative number is what left though the book had none. Zeroes are left out."""
        units = Counter[tuple[str, str]]()
        for event in events:
            sign = SIGNS.get(event.type, 0)
            for line in event.data["lines"] if sign else ():
                sku = self._skus[line.get("sku") or line["gtin"]]
                units[event.data["location"], sku] += sign * line["quantity"]
        return {place: left for place, left in units.items() if left}

    def of(self, *journals: Journal) -> dict[tuple[str, str], int]:
        """What must be on hand once the withheld products are mended and everything parked was tried again."""
        known = {key: event for each in journals for key, event in (each.taken | each.parked).items()}
        return self.on_hand(event for event in known.values() if self.postable(event, mended=True))

    def _named(self, event: Event) -> set[str]:
        return {self._skus[line.get("sku") or line["gtin"]] for line in event.data["lines"]}


def unanswered(stream: Stream, *journals: Journal) -> set[EventKey]:
    """Events that were to be sent and got no answer at all."""
    return _keys(stream).difference(*(each.taken.keys() | each.parked.keys() for each in journals))


def _keys(stream: Stream) -> set[EventKey]:
    def events() -> Iterator[Event]:
        for task in (*stream.opening, *stream.tasks):
            if isinstance(task, Batch):
                yield from (envelope.event for envelope in task.envelopes)

    return {(event.channel, event.id) for event in events()}
