"""Tills: send what was sold, received and brought back, in batches, some of it twice, shuffled, altered or unknown."""

import random
from collections import deque
from itertools import count

from crash.facts import Facts, body_of, facts
from crash.journal import Journal
from crash.wire import Walked, Wire
from crash.world import World

__all__ = ["Till"]

CHANNEL = "till"
SIZES = (1, 1, 1, 5, 5, 15, 40, 120)
AGAIN = 0.15
ALTERED = 0.02
UNKNOWN = 0.02
HOT = 0.2
IMPATIENT = 0.05
RECEIVED = 12
"""A hot item is received in lots, as often as it is sold out."""


class Till:
    """One client; tills share the events sent last, so that two of them send the same ones at once."""

    def __init__(
        self, name: str, wire: Wire, journal: Journal, world: World, chance: random.Random, recent: deque[Facts]
    ) -> None:
        self._name, self._wire, self._journal, self._world, self._random = name, wire, journal, world, chance
        self._recent = recent
        self._numbers = count(1)

    def send(self) -> None:
        """Send one event, or one batch."""
        chance = self._random
        batch: list[tuple[Facts, bytes]] = []
        for _ in range(chance.choice(SIZES)):
            known = list(self._recent) if chance.random() < AGAIN else []
            if known:
                old = chance.choice(known)
                batch.append((old, self._altered(old) if chance.random() < ALTERED and old.told else old.body))
            else:
                event = self._event()
                self._journal.plan(event)
                self._recent.append(event)
                batch.append((event, event.body))
        chance.shuffle(batch)
        try:
            self._wire.tell(CHANNEL, batch, is_impatient=chance.random() < IMPATIENT)
        except Walked:
            return

    def _event(self) -> Facts:
        chance, name = self._random, f"{self._name}-{next(self._numbers)}"
        location = chance.choice(self._world.locations)
        if chance.random() < 0.06:
            lot = ("1", chance.choice(self._world.hot), RECEIVED)
            return facts(CHANNEL, name, "receipt", location, None, (lot,))
        what = "return" if chance.random() < 0.05 else "sale"
        lines = tuple(
            (
                str(number),
                chance.choice(self._world.hot if chance.random() < HOT else self._world.skus),
                chance.randint(1, 2),
            )
            for number in range(1, chance.choice((1, 1, 2, 3)) + 1)
        )
        if chance.random() < UNKNOWN:
            event = facts(CHANNEL, name, what, location, None, (*lines, ("9", "NOBODY-KNOWS", 1)))
            event.is_understood = False
            return event
        return facts(CHANNEL, name, what, location, None, lines)

    def _altered(self, old: Facts) -> bytes:
        """Another body under the id of an event that was acknowledged: it must move nothing."""
        return body_of(CHANNEL, old.id, "receipt", old.location, None, (("1", self._world.skus[-1], 1000),))
