"""For which entities each add-on is switched on, from when on, and which are off for all of them."""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from onhand.addons.faults import Fault
from onhand.db import cursor

__all__ = ["Enablement", "State", "Timeline", "enablements", "suspensions"]

State = Literal["enabled", "draining", "disabled"]
Enablement = tuple[int, str, State, datetime]


class Timeline:
    """Which add-on is in which state for which entity from when on, as one transaction saw it. Never changed.

    Those that are `held` are off everywhere, whatever is recorded of them.
    """

    def __init__(self, rows: Iterable[Enablement] = (), *, held: Collection[str] = ()) -> None:
        self._held = frozenset(held)
        self._changes: dict[tuple[int, str], tuple[list[datetime], list[State]]] = {}
        for entity_id, noun, state, effective_from in rows:
            times, states = self._changes.setdefault((entity_id, noun), ([], []))
            times.append(effective_from)
            states.append(state)
        self.nouns = frozenset(noun for _, noun in self._changes)

    def state(self, entity_id: int, noun: str, now: datetime) -> State:
        """Return an add-on's state for an entity at a time: disabled while it is held."""
        return "disabled" if noun in self._held else self.recorded(entity_id, noun, now)

    def is_held(self, noun: str) -> bool:
        """Return whether an add-on is off everywhere, whatever is recorded of it."""
        return noun in self._held

    def is_on(self, noun: str, now: datetime) -> bool:
        """Return whether an add-on is recorded as enabled or draining for any entity at a time, held or not."""
        return any(key[1] == noun and self.recorded(*key, now) != "disabled" for key in self._changes)

    def recorded(self, entity_id: int, noun: str, now: datetime) -> State:
        """Return what is recorded of an add-on for an entity at a time; of equal times the later change holds."""
        times, states = self._changes.get((entity_id, noun), ((), ()))
        position = bisect_right(times, now)
        return states[position - 1] if position else "disabled"


def enablements(session: Session) -> list[Enablement]:
    """Return every enablement of an entity in the order of its effect."""
    rows = cursor(session).execute(
        "SELECT entity_id, addon, state, effective_from FROM onhand.enablement WHERE entity_id IS NOT NULL "
        "ORDER BY effective_from, id"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows.fetchall()]


def suspensions(session: Session) -> dict[str, Fault]:
    """Return the add-ons that are switched off for every entity, each with who did so and why."""
    rows = cursor(session).execute(
        "SELECT DISTINCT ON (addon) addon, state, actor, reason, recorded_at FROM onhand.enablement"
        " WHERE entity_id IS NULL ORDER BY addon, id DESC"
    )
    return {
        row[0]: Fault(
            row[0],
            f"was suspended by {row[2]} on {row[4]:%Y-%m-%d %H:%M} UTC, because {row[3]}",
            f"mend it, then `onhand addon resume {row[0]}`",
        )
        for row in rows.fetchall()
        if row[1] == "suspended"
    }
