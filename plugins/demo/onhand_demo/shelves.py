"""At closing time every store says what lies on its shelves; a few have it wrong, as stores do."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onhand_demo.events import STOCK_REPORT, Envelope, Event
from onhand_demo.stream import Batch
from onhand_demo.world import World

LINES_PER_STORE = 150
EVERY_NTH_STORE_IS_OFF = 5
LINES_OFF = 4
"""How many of its numbers such a store has wrong."""

Key = tuple[str, str]
"""A store's code and a SKU."""


@dataclass(frozen=True, slots=True)
class Closing:
    """What the stores will say, and which of it is wrong: by store and SKU, theirs less what is there."""

    batches: tuple[Batch, ...]
    off: Mapping[Key, int]


def closing(world: World, on_hand: Mapping[Key, int], seed: int) -> Closing:
    """Plan each store's report of its busiest shelves, one event a store, from what the senders know to be there."""
    chance = random.Random(f"shelves {seed}")  # noqa: S311 (repeatable, not secret)
    there: dict[str, list[tuple[str, int]]] = {}
    for (code, sku), units in sorted(on_hand.items()):
        if units > 0:
            there.setdefault(code, []).append((sku, units))
    off: dict[Key, int] = {}
    events: list[Event] = []
    for rank, store in enumerate(world.stores.values()):
        shelf = there.get(store.code, [])
        numbers = dict(chance.sample(shelf, min(LINES_PER_STORE, len(shelf))))
        if rank % EVERY_NTH_STORE_IS_OFF == 0:
            for sku in chance.sample(sorted(numbers), min(LINES_OFF, len(numbers))):
                off[store.code, sku] = chance.choice((-1, 1, 2))
        lines = [{"sku": sku, "quantity": units + off.get((store.code, sku), 0)} for sku, units in numbers.items()]
        if lines:
            data = {"location": store.code, "lines": lines}
            channel = world.channel(store.entity, "pos").code
            events.append(Event(f"shelves-{store.code}", STOCK_REPORT, channel, 0.0, data))
    return Closing(tuple(_batches(events)), off)


def _batches(events: list[Event]) -> Iterator[Batch]:
    for event in events:
        yield Batch(0.0, event.channel, (Envelope(event),))
