"""The retailer before the first sale: entities, stores, distribution centres, items, channels, tills."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from onhand_demo.journey import Basket, Journey, Product
from onhand_demo.options import Options
from onhand_demo.retailer import EAST, WEST, Category, Channel, Entity, Item, Location, Till

TILLS_PER_STORE = 6
WITHHELD_LINES = range(4, 13)
"""How often a withheld product is sold in the window: enough to be seen, too little to matter."""


@dataclass(frozen=True)
class World:
    """Everything that exists when the doors open, and the baskets that will be bought."""

    stores: dict[int, Location]
    centres: dict[str, Location]
    unlisted: tuple[int, Location]
    items: dict[int, Item]
    categories: tuple[Category, ...]
    values: dict[str, int]
    """what a unit of a category brought in on average over the real year, in minor units"""
    withheld: tuple[int, ...]
    channels: dict[str, Channel]
    baskets: tuple[Basket, ...]

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The legal entities, promising one first."""
        return (EAST, WEST)

    @property
    def locations(self) -> tuple[Location, ...]:
        """Every location there is master data of."""
        return (*self.centres.values(), *self.stores.values())

    @property
    def mended(self) -> tuple[int, ...]:
        """The withheld products that are entered as items after all; the rest stay unknown."""
        return self.withheld[: (len(self.withheld) + 1) // 2]

    def channel(self, entity: Entity, short: str) -> Channel:
        """The entity's channel of this short name: pos, web, call or market."""
        return self.channels[f"{entity.code.lower()}-{short}"]


def build(journey: Journey, options: Options) -> World:
    """The world of these options. Equal options and data, equal world."""
    chance = random.Random(f"world {options.seed}")  # noqa: S311 (repeatable, not secret)
    ranked = journey.busiest(options.stores + 1)
    stores = _stores(ranked[:-1], options, chance)
    unlisted = (ranked[-1], _unlisted(ranked[-1], chance))
    baskets = _window(journey, ranked, stores, options)
    items = _items(journey.products, baskets, stores)
    centres = {entity.code: _centre(entity) for entity in (EAST, WEST)}
    withheld = _withheld(baskets, options, chance)
    categories = _categories(journey.products[product_id] for product_id in items)
    channels = _channels(stores, centres)
    values = _values(journey.takings(), items)
    return World(stores, centres, unlisted, items, categories, values, withheld, channels, baskets)


def _centre(entity: Entity) -> Location:
    name = f"Distribution centre {entity.code.title()}"
    return Location(f"dc-{entity.code.lower()}", name, "distribution_centre", entity)


def _stores(ranked: Sequence[int], options: Options, chance: random.Random) -> dict[int, Location]:
    closing = set(ranked[len(ranked) - round(options.rates.closing * len(ranked)) :])
    whole = set(chance.sample(ranked, round(options.rates.whole_baskets * len(ranked))))
    stores = {}
    for rank, store in enumerate(ranked):
        hours = chance.uniform(2, 9) if store in closing else None
        stores[store] = Location(
            code=f"store-{store}",
            name=f"Store {store}",
            kind="store",
            entity=(EAST, WEST)[rank % 2],
            tills=_tills(store, hours, chance),
            whole_baskets=store in whole,
            scans=rank % 4 < 2,
        )
    return stores


def _tills(store: int, closing_hours: float | None, chance: random.Random) -> tuple[Till, ...]:
    return tuple(
        Till(f"{store}/{number}", chance.uniform(1, 20) if closing_hours is None else closing_hours * 3600)
        for number in range(1, TILLS_PER_STORE + 1)
    )


def _unlisted(store: int, chance: random.Random) -> Location:
    return Location(f"store-{store}", f"Store {store}", "store", EAST, _tills(store, None, chance))


def _window(
    journey: Journey, ranked: Sequence[int], stores: dict[int, Location], options: Options
) -> tuple[Basket, ...]:
    """Whole baskets from the first day on, until the tills have made as many events as asked."""
    taken, events, unlisted = [], 0, 0
    for basket in journey.baskets(ranked, options.since, lines_max=options.events * 2):
        if basket.store_id not in stores:
            unlisted += 1
            if unlisted > options.unlisted_baskets:
                continue
            events += len(basket.lines)
        else:
            events += 1 if stores[basket.store_id].whole_baskets else len(basket.lines)
        taken.append(basket)
        if events >= options.events:
            break
    return tuple(taken)


def _items(products: dict[int, Product], baskets: Iterable[Basket], stores: dict[int, Location]) -> dict[int, Item]:
    sold_by: dict[int, set[str]] = {}
    for basket in baskets:
        entity = stores[basket.store_id].entity if basket.store_id in stores else EAST
        for product_id, _ in basket.lines:
            sold_by.setdefault(product_id, set()).add(entity.code)
    return {
        product_id: Item.of(products[product_id], tuple(sorted(entities)))
        for product_id, entities in sorted(sold_by.items())
    }


def _categories(products: Iterable[Product]) -> tuple[Category, ...]:
    """The tree of what is sold, departments first."""
    pairs = {Category.of(product) for product in products}
    departments = {department for department, _ in pairs}
    below = {category for _, category in pairs}
    return (*sorted(departments, key=_by_code), *sorted(below, key=_by_code))


def _values(takings: dict[int, tuple[float, int]], items: dict[int, Item]) -> dict[str, int]:
    brought: dict[str, float] = {}
    units: Counter[str] = Counter()
    for product_id, item in items.items():
        amount, count = takings[product_id]
        brought[item.category] = brought.get(item.category, 0.0) + amount
        units[item.category] += count
    return {category: max(round(100 * amount / units[category]), 1) for category, amount in sorted(brought.items())}


def _by_code(category: Category) -> str:
    return category.code


def _withheld(baskets: Sequence[Basket], options: Options, chance: random.Random) -> tuple[int, ...]:
    lines = Counter(product_id for basket in baskets for product_id, _ in basket.lines)
    candidates = sorted(product_id for product_id, count in lines.items() if count in WITHHELD_LINES)
    return tuple(chance.sample(candidates, min(options.withheld, len(candidates))))


def _channels(stores: dict[int, Location], centres: dict[str, Location]) -> dict[str, Channel]:
    """Four channels an entity. Tills serve their own store; the rest ship from the centre, then big stores."""
    channels = {}
    for entity in (EAST, WEST):
        own = tuple(store.code for store in stores.values() if store.entity is entity)
        centre = centres[entity.code].code
        for short, kind, name, locations in (
            ("pos", "pos", "Tills", (*own, centre)),
            ("web", "ecommerce", "Web shop", (centre, *own)),
            ("call", "call_centre", "Call centre", (centre, *own[:3])),
            ("market", "marketplace", "Marketplace", (centre,)),
        ):
            code = f"{entity.code.lower()}-{short}"
            channels[code] = Channel(code, f"{name} {entity.code.title()}", kind, entity, locations)
    return channels
