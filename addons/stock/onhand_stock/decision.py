"""The decision of the posting verb, as a pure function over balances: what is accepted, drawn from where, and refused."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from onhand_stock.movements import Accepted, Entry, Group, Move, Refused, Shortfall
from onhand_stock.states import INDEX, SHORTAGE

__all__ = ["Balance", "Key", "decide", "explained_of", "unexplained_of"]

Key = tuple[int, int]
"""(item_id, location_id)"""

AVAILABLE = INDEX["available"]
SHORT = INDEX[SHORTAGE]
IN_TRANSIT = "in_transit"
SHELF = ("available", None)


class Balance(Struct):
    """One item at one location while it is locked: units per state, and what is known of its last count.

    `count_adjustment` is what counts, the last of them at `counted_at`, found beyond the book (+) or missing from it
    (−) and nothing had explained by then; `count_explained` the net change of on hand by facts that occurred before the
    last count and were told after it.
    """

    units: list[int]
    counted_at: datetime | None = None
    count_adjustment: int = 0
    count_explained: int = 0


def decide(
    balances: Mapping[Key, Balance], groups: Sequence[Group], facts: Collection[str]
) -> list[Accepted | Refused]:
    """Decide groups first come, first served; `balances` are changed to what they will be after the accepted ones.

    `facts` are the kinds that are never refused: what their sources cannot give is drawn from `shortage`. A group is
    accepted whole or refused whole, with every one of its shortfalls. Whatever raises `available` first clears
    `shortage`. A fact from before the last count takes back as much of the count's adjustment as it explains.
    """
    results: list[Accepted | Refused] = []
    for group in groups:
        entries: list[Entry] = []
        shortfalls: list[Shortfall] = []
        explained: list[tuple[Balance, int]] = []
        for line, move in enumerate(group.moves):
            is_fact = move.kind in facts
            seen = _seen_by_counts(balances, group, move) if is_fact else ()
            for balance, change in seen:
                explained.append((balance, change))
                if change < 0:  # first, so that what left finds the units which the count had written off
                    _correct_count(balances, entries, group, move, balance, change)
            missing = _draw(balances, entries, group, move, is_fact=is_fact)
            if missing:
                location_id = move.from_location_id
                assert location_id is not None  # noqa: S101 - only places of ours can be short
                available = move.quantity - missing
                shortfalls.append(Shortfall(line, move.item_id, location_id, move.quantity, available))
            for balance, change in seen:
                if change > 0:
                    _correct_count(balances, entries, group, move, balance, change)
        if shortfalls:
            _undo(balances, entries, explained)
            results.append(Refused(group.key, tuple(shortfalls)))
        else:
            _clear_shortages(balances, entries)
            results.append(Accepted(group.key, tuple(entries)))
    return results


def _draw(balances: Mapping[Key, Balance], entries: list[Entry], group: Group, move: Move, *, is_fact: bool) -> int:
    """Take a move's quantity from its sources in order; return what is missing. Takes nothing when something is.

    A fact misses nothing: what its sources lack is taken from the shelf, and what the shelf lacks is shortage.
    """
    if move.from_location_id is None:
        _apply(balances, entries, group, move, move.draws[0][0], move.quantity)
        return 0
    units = balances[move.item_id, move.from_location_id].units
    left = move.quantity
    plan: list[tuple[str, int]] = []
    for state, limit in (*move.draws, SHELF) if is_fact else move.draws:
        if state == SHORTAGE or (state == move.to_state and move.from_location_id == move.to_location_id):
            continue
        has = units[INDEX[state]]
        if plan:
            has -= sum(taken for drawn, taken in plan if drawn == state)
        if move.floor is not None and state == "available":
            has = max(has - move.floor, 0)
        take = min(left, has if limit is None else min(has, limit))
        if take:
            plan.append((state, take))
            left -= take
        if not left:
            break
    if left and not is_fact:
        return left
    if left:
        plan.append((SHORTAGE, left))
    for state, take in plan:
        _apply(balances, entries, group, move, state, take)
    if not plan:  # a value movement has no quantity, and is still told
        _apply(balances, entries, group, move, move.draws[0][0], 0)
    return 0


def _apply(
    balances: Mapping[Key, Balance], entries: list[Entry], group: Group, move: Move, state: str, take: int
) -> None:
    from_after = to_after = None
    if move.from_location_id is not None:
        from_after = _add(balances[move.item_id, move.from_location_id], state, -take)
    if move.to_location_id is not None:
        to_after = _add(balances[move.item_id, move.to_location_id], move.to_state, take)
    entries.append(
        Entry(
            group, move.kind, move.entity_id, move.item_id, move.from_location_id, state, move.to_location_id,
            move.to_state, take, from_after, to_after, move.floor if state == "available" else None, move.claim,
        )
    )  # fmt: skip


def _add(balance: Balance, state: str, quantity: int) -> int:
    """Add to a state; `shortage` is a contra account, so taking from it adds to it. Return what it then is."""
    index = INDEX[state]
    balance.units[index] += -quantity if index == SHORT else quantity
    return balance.units[index]


def _undo(balances: Mapping[Key, Balance], entries: list[Entry], explained: list[tuple[Balance, int]]) -> None:
    for entry in reversed(entries):
        if entry.from_location_id is not None:
            _add(balances[entry.item_id, entry.from_location_id], entry.from_state, entry.quantity)
        if entry.to_location_id is not None:
            _add(balances[entry.item_id, entry.to_location_id], entry.to_state, -entry.quantity)
    for balance, change in explained:
        balance.count_explained -= change


def _clear_shortages(balances: Mapping[Key, Balance], entries: list[Entry]) -> None:
    for entry in entries[:]:
        if entry.to_state != "available" or entry.to_location_id is None:
            continue
        units = balances[entry.item_id, entry.to_location_id].units
        cleared = min(units[AVAILABLE], units[SHORT])
        if cleared:
            units[AVAILABLE] -= cleared
            units[SHORT] -= cleared
            entries.append(
                Entry(
                    entry.group, "shortage_clear", entry.entity_id, entry.item_id, entry.to_location_id, "available",
                    entry.to_location_id, SHORTAGE, cleared, units[AVAILABLE], units[SHORT], raised_by=entry,
                )
            )  # fmt: skip


def _seen_by_counts(balances: Mapping[Key, Balance], group: Group, move: Move) -> Sequence[tuple[Balance, int]]:
    """Return (balance, change of its on hand) where a count had seen the move's effect."""
    source = None if move.from_location_id is None else balances[move.item_id, move.from_location_id]
    target = None if move.to_location_id is None else balances[move.item_id, move.to_location_id]
    if not ((source is not None and source.counted_at) or (target is not None and target.counted_at)):
        return ()
    leaves = source is not None and move.draws[0][0] != IN_TRANSIT
    arrives = target is not None and move.to_state != IN_TRANSIT
    if source is target and leaves == arrives:
        return ()  # it moved between the states of one location, and the count counted them all
    changes = ((source, -move.quantity, leaves), (target, move.quantity, arrives))
    return [
        (balance, change)
        for balance, change, counts in changes
        if balance is not None and counts and balance.counted_at is not None and group.occurred_at < balance.counted_at
    ]


def _correct_count(
    balances: Mapping[Key, Balance], entries: list[Entry], group: Group, move: Move, balance: Balance, change: int
) -> None:
    """Take back as much of a count's adjustment as a change explains that the count had seen.

    The sum of what is taken back follows the sum of such changes: their order does not matter, and it never exceeds
    the adjustment.
    """
    before = explained_of(balance)
    balance.count_explained += change
    back = before - explained_of(balance)
    if back > 0:
        found = Move("count_correction", move.entity_id, move.item_id, back, (("shrink", None),), "available",
                     None, move.from_location_id)  # fmt: skip
        _draw(balances, entries, group, found, is_fact=True)
    elif back < 0:
        gone = Move("count_correction", move.entity_id, move.item_id, -back, (("available", None),), "found",
                    move.to_location_id, None)  # fmt: skip
        _draw(balances, entries, group, gone, is_fact=True)


def explained_of(balance: Balance) -> int:
    """Return how much of what counts found late facts explain: of its sign, and never more than it was."""
    adjustment = balance.count_adjustment
    return min(max(balance.count_explained, min(adjustment, 0)), max(adjustment, 0))


def unexplained_of(balance: Balance) -> int:
    """Return how far the book is beyond what was counted and happened since: facts that the count had seen, told since,
    and no part of the difference it found."""
    return balance.count_explained - explained_of(balance)
