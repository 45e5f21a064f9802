"""Opening stock: what suppliers delivered before the doors opened, sized by what is about to be sold or ordered."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from onhand_demo.events import RECEIPT, SALE, Event
from onhand_demo.orders import Order
from onhand_demo.retailer import Location
from onhand_demo.world import World

LINES_PER_DELIVERY = 100
DELIVERED_BEFORE_S = 10 * 3600.0
"""Deliveries come overnight, before any sale that a till still has to post at closing time."""

Demand = Mapping[tuple[str, int], int]
"""Units that are wanted, by (location code, product id)."""


def demand(world: World, sales: Iterable[Event], orders: Iterable[Order]) -> Demand:
    """What each store will sell or hand over, and what will be ordered of each centre, whatever becomes of the order.

    Nobody stocks a centre by which customers will change their minds.
    """
    by_name = {name: product for product, item in world.items.items() for name in (item.sku, item.gtin)}
    leaves = Counter[tuple[str, int]]()
    for event in sales:
        if event.type == SALE:
            for line in event.data["lines"]:
                product = by_name[line.get("sku") or line["gtin"]]
                leaves[event.data["location"], product] += line["quantity"]
    for order in orders:
        for each in order.lines:
            leaves[order.home, each.product_id] += each.quantity
    return leaves


def stock_up(sold: int, chance: random.Random) -> int:
    """A whole number between 0.8 and 1.2 of what will be sold; of less than five units only the number itself is."""
    return chance.randint(math.ceil(sold * 8 / 10), math.floor(sold * 12 / 10))


def deliveries(world: World, leaves: Demand, chance: random.Random) -> Iterator[Event]:
    """Receipts from suppliers, by location and up to a hundred lines each, in a fixed order.

    What nobody entered as an item comes on deliveries of its own: the book cannot take those yet.
    """
    places = {location.code: location for location in world.locations}
    known = sorted(
        (code, product_id in world.withheld, world.items[product_id].supplier, product_id, units)
        for (code, product_id), units in leaves.items()
        if code in places
    )
    for (code, withheld), group in groupby(known, key=lambda row: row[:2]):
        lines = [
            {"line": str(number), "sku": world.items[product].sku, "quantity": stock_up(units, chance)}
            for number, (*_, product, units) in enumerate(group, start=1)
        ]
        for first in range(0, len(lines), LINES_PER_DELIVERY):
            number = first // LINES_PER_DELIVERY + 1
            name = f"delivery-{code}-{'new-' if withheld else ''}{number}"
            yield _delivery(world, places[code], name, lines[first : first + LINES_PER_DELIVERY])


def _delivery(world: World, location: Location, name: str, lines: list[dict[str, object]]) -> Event:
    channel = world.channel(location.entity, "pos")
    data = {"location": location.code, "lines": lines}
    return Event(name, RECEIPT, channel.code, DELIVERED_BEFORE_S, data)
