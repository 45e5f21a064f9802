"""The truth: where the units of an item really are. Nobody but the story's people can see or change it."""

from collections import Counter
from collections.abc import Iterable

__all__ = ["COUNTER", "CUSTOMER", "FITTING_ROOM", "GONE", "SHELF", "Shelf"]

SHELF, FITTING_ROOM, COUNTER = "shelf", "fitting room", "pick-up counter"
CUSTOMER, GONE = "customer", "gone"
IN_STORE = (SHELF, FITTING_ROOM, COUNTER)


class Shelf:
    """The units of one item. One unit is in one place."""

    def __init__(self, units: int) -> None:
        self.units = units
        self._at = Counter({SHELF: units})

    def move(self, origin: str, target: str) -> bool:
        """Carry one unit from one place to another, if there is one; tell whether there was."""
        if not self._at[origin]:
            return False
        self._at[origin] -= 1
        self._at[target] += 1
        return True

    def at(self, places: Iterable[str]) -> int:
        """Return how many units are in these places."""
        return sum(self._at[place] for place in places)

    @property
    def in_store(self) -> int:
        """Units that an honest count of the store finds."""
        return self.at(IN_STORE)

    def __str__(self) -> str:
        return ", ".join(f"{units} {place}" for place, units in self._at.items() if units) or "nothing"
