"""Real baskets as orders from the web, a call or a marketplace, and how each of them ends."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import groupby
from typing import Any

from onhand_demo.events import CANCELLATION, ORDER, RETURN, SHIPMENT, Event
from onhand_demo.journey import Basket
from onhand_demo.options import Options
from onhand_demo.retailer import Channel, Location
from onhand_demo.world import World


class Ending(StrEnum):
    """How an order ends. Those below the first three need a promise, so only an entity that promises has them."""

    SHIPPED = "shipped"
    SHIPPED_IN_PARTS = "shipped in parts"
    CANCELLED = "cancelled"
    RELEASED = "released"
    PAYMENT_FAILED = "payment failed"
    ABANDONED = "abandoned"
    FORGOTTEN = "forgotten"


DECK = (
    *[Ending.SHIPPED] * 12,
    *[Ending.SHIPPED_IN_PARTS] * 2,
    Ending.CANCELLED,
    Ending.RELEASED,
    Ending.PAYMENT_FAILED,
    *[Ending.ABANDONED] * 2,
    Ending.FORGOTTEN,
)
"""In twenty orders, dealt in any order. Abandoned holds run out; forgotten ones are confirmed and never shipped."""

UNPROMISED = (Ending.SHIPPED, Ending.SHIPPED_IN_PARTS, Ending.CANCELLED)
SHIPS = (Ending.SHIPPED, Ending.SHIPPED_IN_PARTS)
ABANDONED_TTL_S = 5
RETURNED_ORDERS = 0.05
TWICE_EVERY = 20


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A quantity of one product."""

    line: str
    product_id: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    """A basket that was ordered instead of carried to a till."""

    reference: str
    channel: Channel
    basket: Basket
    lines: tuple[OrderLine, ...]
    ending: Ending
    pickup: str | None
    """the store it is collected from; None: shipped from wherever the channel has it"""
    returned: bool

    @property
    def promised(self) -> bool:
        """Whether stock is held for it before it ships."""
        return "reservations" in self.channel.entity.addons

    @property
    def home(self) -> str:
        """The location that serves it unless the promise says otherwise."""
        return self.pickup or self.channel.locations[0]


def choose(world: World, options: Options, chance: random.Random) -> dict[int, Order]:
    """The baskets that become orders, by basket id. Nothing unknown is ever ordered: a web shop lists what it has."""
    hidden = set(world.withheld)
    decks = {
        entity: _deal([ending for ending in DECK if "reservations" in entity.addons or ending in UNPROMISED], chance)
        for entity in world.entities
    }
    orders = {}
    for basket in world.baskets:
        if chance.random() >= options.rates.web_orders or basket.store_id not in world.stores:
            continue
        if len(basket.lines) <= options.web_lines_max and hidden.isdisjoint(dict(basket.lines)):
            store = world.stores[basket.store_id]
            orders[basket.basket_id] = _order(world, basket, store, next(decks[store.entity]), chance)
    return orders


def _deal(deck: list[Ending], chance: random.Random) -> Iterator[Ending]:
    """Shuffled decks, one after another, so that even a short run has every ending."""
    while True:
        yield from chance.sample(deck, len(deck))


def _order(world: World, basket: Basket, store: Location, ending: Ending, chance: random.Random) -> Order:
    kind = chance.choices(("web", "call", "market"), (70, 12, 18))[0]
    lines = tuple(
        OrderLine(str(number), product_id, world.items[product_id].sku, quantity)
        for number, (product_id, quantity) in enumerate(basket.lines, start=1)
    )
    return Order(
        reference=f"W{basket.basket_id}",
        channel=world.channel(store.entity, kind),
        basket=basket,
        lines=lines,
        ending=ending,
        pickup=store.code if kind == "web" and ending in SHIPS and chance.random() < 0.4 else None,
        returned=ending in SHIPS and chance.random() < RETURNED_ORDERS,
    )


def impatient(orders: Sequence[Order]) -> list[Order]:
    """The orders, every twentieth behind one more of the same basket, by a customer who pressed the button twice.

    Nobody stocked up for those: most are refused, and who gets the promise first is anybody's guess.
    """
    again = {order.reference: replace(order, reference=f"{order.reference}-again", ending=Ending.PAYMENT_FAILED)
             for order in orders[::TWICE_EVERY]}  # fmt: skip
    return [each for order in orders for each in (order, again.get(order.reference)) if each]


def facts(order: Order, served_by: Mapping[str, str], *, delay_s: float = 2.0) -> list[Event]:
    """What happens to the order once it is accepted, in order; `served_by` names each line's location.

    Of every line at most what was ordered is cancelled or shipped, and at most what was shipped comes back.
    """
    event = partial(_event, order, delay_s=delay_s)
    placed = event("order", ORDER, location=order.home, lines=order.lines)
    if order.ending is Ending.CANCELLED:
        return [placed, event("cancellation", CANCELLATION, location=order.home, lines=order.lines)]
    if order.ending not in SHIPS:
        return [placed]
    parcels = _parcels(order, served_by)
    events = [placed]
    for number, (location, lines) in enumerate(parcels, start=1):
        events.append(event(f"shipment-{number}", SHIPMENT, location=location, lines=lines))
    if order.returned:
        location, lines = parcels[0]
        events.append(event("return", RETURN, location=location, lines=lines[:1]))
    return events


def _parcels(order: Order, served_by: Mapping[str, str]) -> list[tuple[str, Sequence[OrderLine]]]:
    """One parcel per location; in parts, the first line of each location's travels ahead of the others."""
    at = sorted(order.lines, key=lambda line: (served_by[line.line], int(line.line)))
    parcels: list[tuple[str, Sequence[OrderLine]]] = []
    for location, group in groupby(at, key=lambda line: served_by[line.line]):
        lines = list(group)
        if order.ending is Ending.SHIPPED_IN_PARTS and len(lines) > 1:
            parcels += [(location, lines[:1]), (location, lines[1:])]
        else:
            parcels.append((location, lines))
    return parcels


def _event(order: Order, what: str, type_: str, *, location: str, lines: Sequence[OrderLine], delay_s: float) -> Event:
    data: dict[str, Any] = {
        "location": location,
        "order": order.reference,
        "lines": [{"line": each.line, "sku": each.sku, "quantity": each.quantity} for each in lines],
        "original_time": order.basket.at.isoformat(),
    }
    return Event(f"{order.reference}-{what}", type_, order.channel.code, delay_s, data)
