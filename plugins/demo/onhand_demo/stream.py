"""The whole run as a plan: deliveries to open with, then batches of events and waves of orders in time order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from onhand_demo.events import RECEIPT, AlteredEnvelope, Envelope, Event
from onhand_demo.opening import deliveries, demand
from onhand_demo.options import Options
from onhand_demo.orders import Order, choose, facts, impatient
from onhand_demo.tills import Placed, Tills
from onhand_demo.world import World

LATE_S = (10 * 60, 4 * 3600)
LATE_BY = (500, 4000)
"""How far behind its place a late event arrives, in baskets."""

Sendable = Envelope | AlteredEnvelope


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one channel, sent in one request."""

    place: float
    channel: str
    envelopes: tuple[Sendable, ...]


@dataclass(frozen=True, slots=True)
class Wave:
    """Orders that are promised, confirmed and shipped together."""

    place: float
    orders: tuple[Order, ...]


@dataclass(frozen=True)
class Stream:
    """What will be sent, and what was done to it on the way."""

    opening: tuple[Batch, ...]
    tasks: tuple[Batch | Wave, ...]
    orders: tuple[Order, ...]
    events: int
    """different events (opening, orders' own left out)"""
    duplicated: int
    shuffled: int
    late: int
    altered: int

    @property
    def deliveries(self) -> int:
        """Events in the tasks' batches, repeated ones included."""
        return sum(len(task.envelopes) for task in self.tasks if isinstance(task, Batch))


def plan(world: World, options: Options) -> Stream:
    """The stream of these options. Equal world and options, equal stream, byte for byte but for the times."""
    chance = random.Random(f"stream {options.seed}")  # noqa: S311 (repeatable, not secret)
    orders = choose(world, options, chance)
    tills = Tills(world, options, chance)
    placed: list[Placed] = []
    for place, basket in enumerate(world.baskets):
        order = orders.get(basket.basket_id)
        if order is None:
            placed.extend(tills.ring_up(place, basket))
        elif not order.promised:
            home = {line.line: order.home for line in order.lines}
            placed.extend(Placed(place + step * 40, event) for step, event in enumerate(facts(order, home)))
    receipts = deliveries(world, demand(world, (each.event for each in placed), orders.values()), chance)
    opening = list(_batches(((0.0, Envelope(event)) for event in receipts), lines_max=4 * options.batch))
    mishaps = Mishaps(options, chance)
    sent = sorted(mishaps.deliver(placed), key=lambda each: each[0])
    batches = _batches(sent, lines_max=2 * options.batch, events_max=options.batch)
    places = {basket.basket_id: place for place, basket in enumerate(world.baskets)}
    promised = impatient([order for order in orders.values() if order.promised])
    waves = _waves(promised, places, options.wave)
    tasks: list[Batch | Wave] = [*batches, *waves]
    tasks.sort(key=lambda task: task.place)
    return Stream(
        tuple(opening),
        tuple(tasks),
        tuple(orders.values()),
        len(placed),
        mishaps.duplicated,
        mishaps.shuffled,
        mishaps.late,
        mishaps.altered,
    )


class Mishaps:
    """What happens to events between a till and us, at the stated rates, counted."""

    def __init__(self, options: Options, chance: random.Random) -> None:
        self._options = options
        self._chance = chance
        self.duplicated = self.shuffled = self.late = self.altered = 0

    def deliver(self, placed: Iterable[Placed]) -> Iterator[tuple[float, Sendable]]:
        """Each event at least once, each with the place it is sent at."""
        rates, chance = self._options.rates, self._chance
        for each in placed:
            place, event = each.place, each.event
            if chance.random() < rates.shuffled:
                self.shuffled += 1
                place += chance.uniform(-self._options.shuffled_by, self._options.shuffled_by)
            elif chance.random() < rates.late:
                self.late += 1
                place += chance.uniform(*LATE_BY)
                event = _later(event, chance.uniform(*LATE_S))
            envelope = Envelope(event)
            yield place, envelope
            if chance.random() < rates.duplicated:
                self.duplicated += 1
                yield place + chance.uniform(0, LATE_BY[1]), envelope
            if chance.random() < rates.altered and event.type != RECEIPT:
                self.altered += 1
                yield place + chance.uniform(*LATE_BY), envelope.altered(_misread(event.data))


def _later(event: Event, seconds: float) -> Event:
    return Event(event.id, event.type, event.channel, event.delay_s + seconds, event.data)


def _misread(data: Any) -> dict[str, Any]:
    first, *rest = data["lines"]
    return {**data, "lines": [{**first, "quantity": first["quantity"] + 1}, *rest]}


def _batches(sent: Iterable[tuple[float, Sendable]], *, lines_max: int, events_max: int = 1000) -> Iterator[Batch]:
    """Full batches per channel, as they fill; a batch's place is that of its last event."""
    filling: dict[str, list[Sendable]] = {}
    lines: dict[str, int] = {}
    place = 0.0
    for place, envelope in sent:
        channel = envelope.event.channel
        batch = filling.setdefault(channel, [])
        batch.append(envelope)
        lines[channel] = lines.get(channel, 0) + len(envelope.event.data["lines"])
        if len(batch) >= events_max or lines[channel] >= lines_max:
            yield Batch(place, channel, tuple(batch))
            filling[channel], lines[channel] = [], 0
    for channel, batch in filling.items():
        if batch:
            yield Batch(place, channel, tuple(batch))


def _waves(orders: list[Order], places: dict[int, int], size: int) -> Iterator[Wave]:
    for first in range(0, len(orders), size):
        wave = tuple(orders[first : first + size])
        yield Wave(places[wave[-1].basket.basket_id], wave)
