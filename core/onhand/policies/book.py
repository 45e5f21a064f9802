"""All policy versions in memory, arranged so that the most specific one is found in a few look-ups."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from onhand.policies.conditions import holds

__all__ = ["PARTS", "InForce", "Place", "PolicyBook", "Setting", "Where"]

Place = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """The place a policy is asked for, most specific part first; the order is the order of precedence."""

    item_id: int | None = None
    category_id: int | None = None
    location_id: int | None = None
    channel_id: int | None = None
    entity_id: int | None = None

    @property
    def key(self) -> Place:
        """The parts in the order of precedence."""
        return (self.item_id, self.category_id, self.location_id, self.channel_id, self.entity_id)


PARTS = tuple(part.name for part in fields(Where))


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and the version that decided it, if its condition holds; version None is the default of the type."""

    value: Any
    version: int | None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting in force at a place that covers the one asked for, and whether its condition holds there."""

    place: Place
    setting: Setting
    holds: bool


class PolicyBook:
    """Every version of every policy, as one transaction saw them. Never changed, so that threads may share it."""

    def __init__(self, rows: Iterable[tuple[Any, ...]] = ()) -> None:
        """Take rows of (id, policy, place, value, effective_from, condition or nothing), in the order of their effect."""
        self._timelines: dict[str, dict[Place, tuple[list[datetime], list[Setting]]]] = {}
        self._conditional: set[str] = set()
        for version, policy, place, value, effective_from, *condition in rows:
            places = self._timelines.setdefault(policy, {})
            times, settings = places.setdefault(place, ([], []))
            times.append(effective_from)
            settings.append(Setting(value, version, *condition))
            if any(condition):
                self._conditional.add(policy)
        self._shapes = {policy: _shapes(places) for policy, places in self._timelines.items()}

    def is_set(self, policy: str) -> bool:
        """Return whether anybody has ever set a policy, anywhere: if not, its default holds everywhere."""
        return policy in self._timelines

    def is_conditional(self, policy: str) -> bool:
        """Return whether any version of a policy has a condition: if so, `find_given` must be asked instead of `find`."""
        return policy in self._conditional

    def find(self, policy: str, place: Place, at: datetime) -> Setting | None:
        """Return the most specific setting in force at a place and time; None when nobody has set the policy there.

        For policies without conditions: it does not look at any.
        """
        places = self._timelines.get(policy)
        if places is None:
            return None
        for shape, unnamed in self._shapes[policy]:
            key = tuple(part if named else None for part, named in zip(place, shape, strict=True))
            found = places.get(key)
            if found and key.count(None) == unnamed:  # else the place asked for has not all that the shape names
                position = bisect_right(found[0], at)
                if position and found[1][position - 1].value is not None:
                    return found[1][position - 1]
        return None

    def find_given(self, policy: str, place: Place, at: datetime, facts: Mapping[str, Any] | None) -> Setting | None:
        """Return the most specific setting in force whose condition, if it has one, holds for the facts."""
        found = self.deciding(policy, place, at, facts)
        return None if found is None else found.setting

    def deciding(
        self, policy: str, place: Place, at: datetime, facts: Mapping[str, Any] | None = None
    ) -> InForce | None:
        """Return the setting that `find_given` returns, with the place it is set at."""
        return next((found for found in self.in_force(policy, place, at, facts) if found.holds), None)

    def in_force(
        self, policy: str, place: Place, at: datetime, facts: Mapping[str, Any] | None = None
    ) -> Iterator[InForce]:
        """Return every setting in force that covers a place, most specific first: the first that holds decides."""
        places = self._timelines.get(policy, {})
        for shape, unnamed in self._shapes.get(policy, ()):
            covering = tuple(part if named else None for part, named in zip(place, shape, strict=True))
            found = places.get(covering)
            if found and covering.count(None) == unnamed:
                position = bisect_right(found[0], at)
                setting = found[1][position - 1] if position else None
                if setting is not None and setting.value is not None:
                    is_true = setting.condition is None or holds(setting.condition, facts)
                    yield InForce(covering, setting, is_true)

    def versions(self, policy: str) -> Iterator[tuple[Place, datetime, Setting]]:
        """Return every version of a policy with its place and from when it holds; per place in the order of effect."""
        for place, (times, settings) in self._timelines.get(policy, {}).items():
            for effective_from, setting in zip(times, settings, strict=True):
                yield place, effective_from, setting

    def narrower(self, policy: str, place: Place, at: datetime) -> int:
        """Return at how many places within this one a value is in force: what is set here does not reach there."""
        count = 0
        for other, (times, settings) in self._timelines.get(policy, {}).items():
            covers = all(mine is None or mine == theirs for mine, theirs in zip(place, other, strict=True))
            position = bisect_right(times, at)
            count += covers and other != place and position > 0 and settings[position - 1].value is not None
        return count

    def drafted(self, drafts: Iterable[tuple[str, Place, Any, str | None]], at: datetime) -> "PolicyBook":
        """Return a book as it would be if these (policy, place, value, condition) had been set at a moment.

        What was set for later at the same place stays. This book is left as it is.
        """
        book = PolicyBook()
        book._timelines = dict(self._timelines)
        book._conditional = set(self._conditional)
        for policy, place, value, condition in drafts:
            places = dict(book._timelines.get(policy, {}))
            times, settings = places.get(place, ([], []))
            position = bisect_right(times, at)
            places[place] = (
                [*times[:position], at, *times[position:]],
                [*settings[:position], Setting(value, None, condition), *settings[position:]],
            )
            book._timelines[policy] = places
            if condition:
                book._conditional.add(policy)
        book._shapes = {policy: _shapes(places) for policy, places in book._timelines.items()}
        return book


def _shapes(places: Iterable[Place]) -> list[tuple[tuple[bool, ...], int]]:
    """Return which parts are named, over all places, most specific first, and how many are not.

    An item beats any location, and so on.
    """
    shapes = sorted({tuple(part is not None for part in place) for place in places}, reverse=True)
    return [(shape, shape.count(False)) for shape in shapes]
