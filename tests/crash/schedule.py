"""The schedule of faults: which, and when, as the seed says."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from crash.traps import POINTS, Trap

__all__ = ["Fault", "schedule"]

GAP_SECONDS = (0.2, 0.9)
DECK = (
    *["trap web"] * 20,
    *["trap worker"] * 8,
    *["trap scheduler"] * 8,
    "kill web",
    "kill web process",
    "kill worker",
    "kill scheduler",
    "terminate backend",
    "terminate backend",
    "kill backend",
    "postgres immediate",
    "postgres kill",
    "valkey kill",
    "valkey gone",
    "valkey flush",
    "valkey flush",
    "valkey stall",
    "net slow",
    "net stall",
    "net cut",
    "net closed",
)
"""Shuffled and dealt again and again: every kind comes in the first minute, and as often after that."""
STATEMENTS_MAX = 16
ODDS = {"web": (5, 3, 2), "worker": (2, 5, 2), "scheduler": (2, 5, 2)}
"""Of `kill`, `cut` and `terminate`. A web process is back at once; the others take seconds, in which nothing is tried."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is to happen so long after the fault before; `seconds` is how long it lasts, where it lasts."""

    wait_seconds: float
    kind: str
    seconds: float
    trap: Trap | None = None


def schedule(seed: int) -> Iterator[Fault]:
    """Yield faults for ever; the same for the same seed."""
    chance = random.Random(f"{seed}/faults")
    traps = {role: _traps(role, chance) for role in POINTS}
    while True:
        for kind in chance.sample(DECK, len(DECK)):
            wait, seconds = chance.uniform(*GAP_SECONDS), chance.uniform(0.3, 2.0)
            what, _, role = kind.partition(" ")
            yield Fault(wait, kind, seconds, next(traps[role]) if what == "trap" else None)


def _traps(role: str, chance: random.Random) -> Iterator[Trap]:
    """Yield traps at every named statement of a role on both sides, and at any statement by its number, in turns."""
    while True:
        sides = [(point, when) for point in POINTS[role] for when in ("before", "after")]
        for point, when in chance.sample(sides, len(sides)):
            act = chance.choices(("kill", "cut", "terminate"), ODDS[role])[0]
            yield Trap(role, when, act, point)
            if chance.random() < 0.25:
                yield Trap(role, "before", act, number=chance.randint(1, STATEMENTS_MAX))
