"""Every order of six happenings at once: each permutation happens to an item of its own, all of them step by step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from onhand_channels.testing import deliver
from onhand_stock.api import balances

__all__ = ["SIX", "Variant", "deliver_all", "happen", "on_hand_of", "variants_of"]

SIX = 6


@dataclass(frozen=True)
class Variant:
    """One order in which the six happen, and the item and the customer's order they happen to."""

    item: Any
    order: str
    turns: tuple[int, ...]


def variants_of(items: Sequence[Any]) -> list[Variant]:
    """Return all 720 orders, each with an item of its own."""
    turns = list(permutations(range(SIX)))
    return [Variant(item, f"web-{item.id}", turn) for item, turn in zip(items, turns, strict=True)]


def happen(variants: Sequence[Variant], act: Callable[[int, list[Variant]], None]) -> None:
    """Let the six happen to every variant in its own order; `act(which, to whom)` is told who has come to it."""
    for step in range(SIX):
        by_turn: dict[int, list[Variant]] = {}
        for variant in variants:
            by_turn.setdefault(variant.turns[step], []).append(variant)
        for which, whom in by_turn.items():
            act(which, whom)


def deliver_all(shop: Any, told: Sequence[dict[str, Any]]) -> None:
    """Deliver events in one batch; all of them must be posted."""
    outcomes = shop.run(lambda s, now: deliver(s, now, shop.channel, *told))
    assert {one.outcome for one in outcomes} == {"posted"}, [one for one in outcomes if one.outcome != "posted"][:3]


def on_hand_of(shop: Any, variants: Sequence[Variant]) -> dict[int, tuple[int, dict[str, int]]]:
    """Return on hand and the units per state of each variant's item, over both stores."""
    ids = [variant.item.id for variant in variants]
    rows = shop.run(lambda s, _: balances(s, [shop.entity.id], item_ids=ids, limit=2 * len(ids)))
    found: dict[int, tuple[int, dict[str, int]]] = {}
    for row in rows:
        total, states = found.get(row.item_id, (0, {}))
        summed = {
            state: states.get(state, 0) + units for state, units in row.states.items() if units or state in states
        }
        found[row.item_id] = (total + row.on_hand, states | summed)
    return found
