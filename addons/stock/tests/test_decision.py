"""The decision is what the plain, slow oracle says, for any balances and any groups."""

from datetime import UTC, datetime, timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st
from onhand_stock.api import STATES, Accepted, Group, Move, Refused
from onhand_stock.decision import Balance, decide

from . import oracle

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
FACTS = {"fact", "shortage_clear", "count_correction"}
PLACES = [(item, location) for item in (1, 2) for location in (7, 8)]
USED = ["receiving", "available", "reserved", "picked", "damaged", "in_transit"]

small = st.integers(0, 6)


@st.composite
def shelves(draw):
    found = {}
    for place in PLACES:
        shelf = oracle.Shelf()
        for state in USED:
            shelf.units[state] = draw(small)
        if draw(st.booleans()):
            shelf.units["available"], shelf.units["shortage"] = 0, draw(small)
        if draw(st.booleans()):
            shelf.counted_at = NOON
            shelf.adjustment = draw(st.integers(-5, 5))
            shelf.late = draw(st.integers(-3, 3)) if shelf.adjustment else 0
        found[place] = shelf
    return found


@st.composite
def moves(draw):
    source, target = draw(st.sampled_from([(7, None), (None, 7), (7, 8), (8, 7), (7, 7), (8, None), (None, 8)]))
    to_state = draw(st.sampled_from(USED)) if target else draw(st.sampled_from(["customer", "shrink"]))
    drawn = [state for state in USED if not (source == target and state == to_state)]
    wanted = draw(st.lists(st.tuples(st.sampled_from(drawn), st.none() | small), min_size=1, max_size=3))
    return Move(
        kind=draw(st.sampled_from(["fact", "intent"])),
        entity_id=1,
        item_id=draw(st.sampled_from([1, 2])),
        quantity=draw(st.integers(1, 8)),
        draws=tuple(wanted) if source else (("supplier", None),),
        to_state=to_state,
        from_location_id=source,
        to_location_id=target,
        floor=draw(st.none() | small),
    )


@st.composite
def groups(draw):
    listed = draw(st.lists(st.lists(moves(), min_size=1, max_size=3), min_size=1, max_size=5))
    return [
        Group(
            f"g{n}", tuple(_sound(move) for move in own), "t", NOON + timedelta(minutes=draw(st.integers(-5, 5))), "s"
        )
        for n, own in enumerate(listed)
    ]


def _sound(move):
    """Facts have no floor."""
    fields = {name: getattr(move, name) for name in move.__struct_fields__}
    return Move(**fields | {"floor": None}) if move.kind == "fact" else move


def as_balances(shelves_):
    return {
        place: Balance([shelf.units[state] for state in STATES], shelf.counted_at, shelf.adjustment, shelf.late)
        for place, shelf in shelves_.items()
    }


@settings(max_examples=250, deadline=None)
@given(shelves(), groups())
def test_the_decision_is_the_oracles(before, asked):
    balances = as_balances(before)
    results = decide(balances, asked, FACTS)
    after, outcomes = oracle.decide(before, asked, FACTS)
    for place, shelf in after.items():
        assert dict(zip(STATES, balances[place].units, strict=True)) == shelf.units
        assert balances[place].count_explained == shelf.late
    for result, short in zip(results, outcomes, strict=True):
        event(type(result).__name__)
        if isinstance(result, Refused):
            assert [(one.line, one.requested - one.available) for one in result.shortfalls] == short
        else:
            assert short == []


@settings(max_examples=120, deadline=None)
@given(shelves(), groups())
def test_entries_say_what_moved_and_what_it_left_behind(before, asked):
    balances = as_balances(before)
    running = {(*place, state): shelf.units[state] for place, shelf in before.items() for state in STATES}
    for result in decide(balances, asked, FACTS):
        for entry in result.entries if isinstance(result, Accepted) else ():
            sides = [
                (entry.from_location_id, entry.from_state, -entry.quantity, entry.from_after),
                (entry.to_location_id, entry.to_state, entry.quantity, entry.to_after),
            ]
            for location, state, change, left in sides:
                if location is None:
                    assert left is None
                    continue
                running[entry.item_id, location, state] += -change if state == "shortage" else change
                assert running[entry.item_id, location, state] == left >= 0
                assert entry.floor is None or state != "available" or left >= entry.floor
    assert {(*place, state): units for place, balance in balances.items()
            for state, units in zip(STATES, balance.units, strict=True)} == running  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(shelves(), groups())
def test_stock_never_stands_beside_a_shortage(before, asked):
    balances = as_balances(before)
    decide(balances, asked, FACTS)
    for balance in balances.values():
        units = dict(zip(STATES, balance.units, strict=True))
        assert min(units.values()) >= 0
        assert units["available"] == 0 or units["shortage"] == 0


@settings(max_examples=100, deadline=None)
@given(shelves(), st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=6), st.randoms())
def test_late_facts_end_alike_in_any_order(before, facts, random):
    """Sales and receipts from before the count, shuffled: the same shelf in the end."""
    asked = [_late(n, quantity, is_sale=is_sale) for n, (quantity, is_sale) in enumerate(facts)]
    shuffled = random.sample(asked, len(asked))
    first, second = as_balances(before), as_balances(before)
    decide(first, asked, FACTS)
    decide(second, shuffled, FACTS)
    assert first[1, 7].units == second[1, 7].units


def _late(n, quantity, *, is_sale):
    if is_sale:
        move = Move("fact", 1, 1, quantity, (("available", None),), "customer", 7)
    else:
        move = Move("fact", 1, 1, quantity, (("supplier", None),), "available", None, 7)
    return Group(f"late{n}", (move,), "t", NOON - timedelta(hours=1), "s")
