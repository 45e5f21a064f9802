"""Plots: who wants the last unit of one item, when, and how late each channel tells. One seed and number, one plot."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["CLOSING", "END", "OPENING", "SLOT_MINUTES", "Plot", "Scene", "plot"]

SLOT_MINUTES = 15
OPENING, CLOSING, END = 0.0, 40.0, 60.0  # in slots: ten hours of trade, and five for what is told late
UNBOOKED = 0.2
PICKUP_ENDINGS = {
    "collects": 60,
    "pays too late": 8,
    "never comes": 10,
    "cancels": 8,
    "payment fails": 6,
    "walks away": 8,
}


@dataclass(frozen=True)
class Scene:
    """Somebody does something: `act` is the name of the step, `time` is in slots since the doors opened."""

    time: float
    act: str
    who: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """A story before it happens. Scenes in the order of their time; `unbooked` units came beside what was delivered."""

    number: int
    seed: str
    units: int
    scenes: tuple[Scene, ...]
    unbooked: int = 0


def plot(seed: int, number: int) -> Plot:
    """Return the plot of a seed and number: always the same, whatever other plots are told beside it."""
    name = f"{seed}/{number}"
    rng = Random(name)
    units = rng.choices((1, 2), (75, 25))[0]
    rush = _rush(rng)
    scenes = [Scene(OPENING, "the_delivery_is_put_away", "the store")]
    for who in ("Bea", "Bob")[: rng.choice((1, 1, 2))]:
        scenes += _pick_up(rng, who, rng.uniform(*rush))
    buys = [rng.random() < 0.65 for _ in range(rng.choice((1, 1, 2)))]
    for who, decides in zip(("Ann", "Amy"), buys, strict=False):
        scenes += _walk_in(rng, who, rng.uniform(*rush), buys=decides)
    if rng.random() < 0.8:
        scenes += _marketplace(rng, rng.uniform(*rush))
    if stolen := rng.random() < 0.05:
        scenes.append(Scene(rng.uniform(*rush), "somebody_walks_out_with_it", "somebody"))
    overlooked = False
    for who in ("Eve", "Eli")[: rng.choice((0, 1, 1, 2))]:
        overlooks = rng.random() < 0.4
        overlooked |= overlooks
        scenes += _count(rng, who, rng.uniform(*rush) + 1, overlooks=overlooks)
    unbooked = int(Random(f"{name}/delivery").random() < UNBOOKED)
    # What nobody can know is only found by counting: a unit that was stolen, or overlooked and never sold, or not booked.
    told_by_a_sale = units == 1 and all(buys)
    if stolen or (overlooked and not told_by_a_sale) or rng.random() < 0.4 or unbooked:
        scenes += _count(rng, "the evening shift", rng.uniform(CLOSING + 0.5, CLOSING + 8), overlooks=False)
    return Plot(number, name, units, tuple(sorted(scenes, key=lambda scene: scene.time)), unbooked)


def _rush(rng: Random) -> tuple[float, float]:
    """Return the hours in which everybody begins: from most of the day to a quarter of an hour."""
    length = rng.choice((1.0, 3.0, 8.0, 30.0))
    begins = rng.uniform(0.1, CLOSING - 6 - length)
    return begins, begins + length


def _pick_up(rng: Random, who: str, ordered: float) -> Iterator[Scene]:
    """An on-line order for same-day pick-up: hold → confirm → handed over, or one of the ways it comes to nothing."""
    ending = rng.choices(tuple(PICKUP_ENDINGS), tuple(PICKUP_ENDINGS.values()))[0]
    slots = rng.choice((1, 2, 4))
    paid = ordered + slots * (rng.uniform(1.2, 2) if ending == "pays too late" else rng.uniform(0.05, 0.9))
    lapses = ending in {"pays too late", "walks away"}
    yield Scene(ordered, "orders_on_line_for_pick_up", who, {"slots": slots, "lapses": lapses})
    if ending == "walks away":
        return
    if ending == "payment fails":
        yield Scene(paid, "payment_fails", who)
        return
    yield Scene(paid, "pays", who)
    if ending == "cancels":
        yield Scene(paid + rng.uniform(0.2, 6), "cancels", who)
    looked = paid + rng.uniform(0.1, 6)
    if rng.random() < 0.85:
        yield Scene(looked, "a_clerk_sets_it_aside_for", who)
    if ending == "collects":
        came = min(looked + rng.uniform(0.1, 10), CLOSING - rng.uniform(0, 0.1))
        told_by_event = rng.random() < 0.4
        yield Scene(came, "comes_to_collect", who, {"told_by_event": told_by_event})
        if told_by_event:
            yield Scene(came + rng.uniform(0.01, 12), "the_shop_tells_the_shipment_of", who)
    yield Scene(rng.uniform(CLOSING, CLOSING + 8), "the_store_lets_go_of_the_order_of", who)


def _walk_in(rng: Random, who: str, tried: float, *, buys: bool) -> Iterator[Scene]:
    """Somebody tries it on, and buys it or not. The till posts late."""
    left = min(tried + rng.uniform(0.3, 8), CLOSING - rng.uniform(0, 0.1))
    yield Scene(tried, "takes_it_to_the_fitting_room", who)
    if not buys:
        yield Scene(left, "puts_it_back", who)
        return
    yield Scene(left, "buys_it_at_the_till", who)
    posted = left + rng.choice((0.01, rng.uniform(0.1, 4), rng.uniform(4, 14)))
    yield Scene(posted, "the_till_posts_the_sale_to", who)
    if rng.random() < 0.15:
        yield Scene(posted + rng.uniform(0, 3), "the_till_posts_the_sale_to", who, {"again": True})


def _marketplace(rng: Random, ordered: float) -> Iterator[Scene]:
    """A marketplace sells what its copy of the stock says, the store packs what it finds, and a batch tells of it."""
    who = "Dee"
    packed = min(ordered + rng.uniform(0.1, 6), CLOSING - rng.uniform(0, 0.1))
    yield Scene(ordered, "orders_at_the_marketplace", who)
    yield Scene(packed, "the_store_packs_for", who)
    if rng.random() < 0.2:  # the order's own batch goes first
        yield Scene(rng.uniform(ordered, packed), "the_marketplaces_batch_arrives_about", who)
    arrived = packed + rng.choice((rng.uniform(0.01, 2), rng.uniform(2, 14)))
    yield Scene(arrived, "the_marketplaces_batch_arrives_about", who)
    if rng.random() < 0.3:
        yield Scene(arrived + rng.uniform(0, 3), "the_marketplaces_batch_arrives_about", who, {"again": True})


def _count(rng: Random, who: str, seen: float, *, overlooks: bool) -> Iterator[Scene]:
    """The store adjusts by hand: a count at a position of the ledger, or one that only has its time."""
    detail = {"overlooks": overlooks, "has_list": rng.random() < 0.6}
    yield Scene(seen, "counts_the_store", who, detail)
    yield Scene(seen + rng.choice((0.01, rng.uniform(0.1, 6))), "enters_the_count", who)
