"""The posting decision once more, unit by unit: slow, and plain enough to be believed."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from onhand_stock.api import STATES


@dataclass
class Shelf:
    """An item at a location."""

    units: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    counted_at: datetime | None = None
    adjustment: int = 0
    late: int = 0

    @property
    def on_hand(self):
        physical = [state for state in STATES if state not in {"in_transit", "shortage"}]
        return sum(self.units[state] for state in physical) - self.units["shortage"]

    @property
    def taken_back(self):
        """How much of the adjustment the late facts explain: one unit each, of its sign, until it is used up."""
        if self.adjustment * self.late <= 0:
            return 0
        sign = 1 if self.adjustment > 0 else -1
        return sign * min(abs(self.adjustment), abs(self.late))


def decide(shelves, groups, facts):
    """Return the shelves afterwards, and per group the shortfalls that refused it (none: accepted)."""
    outcomes = []
    for group in groups:
        attempt = deepcopy(shelves)
        missing = [_carry_out(attempt, group, move, move.kind in facts) for move in group.moves]
        if any(missing):
            outcomes.append([(line, short) for line, short in enumerate(missing) if short])
            continue
        for shelf in attempt.values():
            while shelf.units["available"] and shelf.units["shortage"]:
                shelf.units["available"] -= 1
                shelf.units["shortage"] -= 1
        shelves = attempt
        outcomes.append([])
    return shelves, outcomes


def _carry_out(shelves, group, move, is_fact):
    source = shelves.get((move.item_id, move.from_location_id))
    target = shelves.get((move.item_id, move.to_location_id))
    if is_fact:
        _explain(source, target, group, move, leaving=True)
    missing = _take(source, target, move, is_fact)
    if is_fact:
        _explain(source, target, group, move, leaving=False)
    return missing


def _take(source, target, move, is_fact):
    plan, taken = [], dict.fromkeys((*STATES, "supplier"), 0)
    for state, limit in (*move.draws, ("available", None)) if is_fact else move.draws:
        if source is target and state == move.to_state:
            continue
        here = 0
        while len(plan) < move.quantity and (limit is None or here < limit) and _may_take(source, state, taken, move):
            plan.append(state)
            taken[state] += 1
            here += 1
    missing = move.quantity - len(plan)
    if missing and not is_fact:
        return missing
    for state in plan + ["shortage"] * missing:
        if source:
            source.units[state] += 1 if state == "shortage" else -1
        if target:
            target.units[move.to_state] += 1
    return 0


def _may_take(source, state, taken, move):
    if source is None:
        return True
    keep = move.floor or 0 if state == "available" else 0
    return state != "shortage" and source.units[state] - taken[state] > keep


def _explain(source, target, group, move, *, leaving):
    """Let a late fact explain a count. Within one location nothing left and nothing came, unless by way of transit."""
    leaves = source is not None and move.draws[0][0] != "in_transit"
    arrives = target is not None and move.to_state != "in_transit"
    if source is target and leaves and arrives:
        return
    shelf, happens, change = (source, leaves, -move.quantity) if leaving else (target, arrives, move.quantity)
    if not happens or shelf.counted_at is None or group.occurred_at >= shelf.counted_at:
        return
    before = shelf.taken_back
    shelf.late += change
    for _ in range(before - shelf.taken_back):
        shelf.units["available"] += 1
    for _ in range(shelf.taken_back - before):
        state = "available" if shelf.units["available"] else "shortage"
        shelf.units[state] += 1 if state == "shortage" else -1
