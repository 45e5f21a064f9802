"""What happened to a hold, in the order it happened."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from onhand_reservations.queries import Entry

__all__ = ["Step", "timeline_of"]


class Step(NamedTuple):
    """Something that happened: what, when, by whom (None: by time alone)."""

    at: datetime
    what: str
    by: str | None
    tone: str = "neutral"


def timeline_of(hold: Any, entries: Sequence[Entry]) -> list[Step]:
    """Tell a hold's life from its row and its ledger entries."""
    return sorted([*_of_row(hold), *_of_entries(entries)], key=lambda step: step.at)


def _of_row(hold: Any) -> Iterable[Step]:
    yield Step(hold.held_at, "Held anew" if hold.replaces else "Held", hold.actor, "info")
    if hold.confirmed_at is not None:
        yield Step(hold.confirmed_at, "Confirmed", hold.confirmed_by, "accent")
    if hold.overdue_told_at is not None:
        yield Step(hold.overdue_told_at, "Overdue: nobody had handed it over in time", None, "bad")


def _of_entries(entries: Sequence[Entry]) -> Iterable[Step]:
    """Tell each posting once: the entries of one moment and kind together."""
    sums: dict[tuple[datetime, str, str | None, str], int] = {}
    for entry in entries:
        if entry.kind in {"release", "ship"}:
            key = (entry.recorded_at, entry.kind, entry.reason, entry.actor)
            sums[key] = sums.get(key, 0) + entry.quantity
    for (at, kind, reason, actor), units in sums.items():
        of = f"{units:,} unit{'s' if units != 1 else ''}".replace(",", " ")
        if kind == "ship":
            yield Step(at, f"Handed over {of}", actor, "good")
        elif reason == "timeout":
            yield Step(at, f"Ran out: {of} let go", None, "warn")
        else:
            yield Step(at, f"Let go {of}: {(reason or 'cancel').replace('_', ' ')}", actor)
