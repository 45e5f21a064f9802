"""What the tills send: sales by line or by basket, and what customers bring back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from onhand_demo.events import RETURN, SALE, Event
from onhand_demo.journey import Basket
from onhand_demo.options import Options
from onhand_demo.retailer import Channel, Location, Till
from onhand_demo.world import World


@dataclass(frozen=True, slots=True)
class Placed:
    """An event and its place among all others, in baskets since the doors opened."""

    place: float
    event: Event


class Tills:
    """Turns baskets into the events of the store they were bought in."""

    def __init__(self, world: World, options: Options, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self._rates = options.rates

    def ring_up(self, place: int, basket: Basket) -> Iterator[Placed]:
        """A basket's sale, line by line or as one event as its store does, and now and then a later return."""
        unlisted_id, unlisted = self._world.unlisted
        store = unlisted if basket.store_id == unlisted_id else self._world.stores[basket.store_id]
        channel = self._world.channel(store.entity, "pos")
        till = self._chance.choice(store.tills)
        event = partial(self._event, channel=channel, store=store, till=till, basket=basket)
        lines = [self._line(store, *line) for line in basket.lines]
        if store.whole_baskets:
            yield Placed(place, event(str(basket.basket_id), SALE, lines=lines))
        else:
            for number, line in enumerate(lines, start=1):
                name = f"{basket.basket_id}-{number}"
                yield Placed(place, event(name, SALE, lines=[line]))
        for number, line in enumerate(lines, start=1):
            if store is not unlisted and self._chance.random() < self._rates.returned:
                name = f"{basket.basket_id}-{number}-return"
                back = {**line, "quantity": self._chance.randint(1, line["quantity"])}
                yield Placed(place + self._chance.uniform(50, 2000), event(name, RETURN, lines=[back]))

    def _line(self, store: Location, product_id: int, quantity: int) -> dict[str, Any]:
        item = self._world.items[product_id]
        name = {"gtin": item.gtin} if store.scans else {"sku": item.sku}
        return {**name, "quantity": quantity}

    @staticmethod
    def _event(
        name: str,
        type_: str,
        *,
        channel: Channel,
        store: Location,
        till: Till,
        basket: Basket,
        lines: list[dict[str, Any]],
    ) -> Event:
        data = {
            "location": store.code,
            "lines": lines,
            "till": till.code,
            "basket": basket.basket_id,
            "original_time": basket.at.isoformat(),
        }
        return Event(name, type_, channel.code, till.delay_s, data)
