"""Reversals: the opposite entry, naming its original, once; dated as it, and honest about what has moved on."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from onhand.db import cursor
from onhand_stock.api import Accepted, AlreadyReversed, Group, NoSuchMovement, NotReversible, Refused, reverse
from onhand_stock.testing import TESTER

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def group(key, *moves, **more):
    return Group(key, moves, f"doc:{key}", NOON, "test", **more)


def test_a_reversal_undoes_its_original_and_names_it(shop, books_agree):
    shop.receive(5, occurred_at=NOON, document="delivery:7")
    original = shop.entries()[0]
    [accepted] = shop.reverse(original)
    entry = shop.entries()[0]
    assert type(accepted) is Accepted
    assert (entry.kind, entry.from_state, entry.to_state, entry.quantity) == ("receipt", "available", "supplier", 5)
    assert (entry.reverses_id, entry.occurred_at, entry.trigger, entry.reason) == (
        original.id, NOON, "delivery:7", "typed wrongly",
    )  # fmt: skip
    assert shop.states() == {}
    books_agree()


def test_an_entry_is_reversed_at_most_once(shop, books_agree):
    shop.receive(5)
    original = shop.entries()[0]
    shop.reverse(original)
    with pytest.raises(AlreadyReversed):
        shop.reverse(original)
    assert len(shop.entries()) == 2
    books_agree()


def test_of_two_that_reverse_the_same_entry_at_once_one_does(shop, books_agree):
    for _ in range(10):
        shop.receive(5)
        original = shop.entries()[0]
        outcomes, ready = [], threading.Barrier(2)

        def attempt(original=original, outcomes=outcomes, ready=ready):
            ready.wait()
            try:
                outcomes.append(type(shop.reverse(original)[0]))
            except AlreadyReversed:
                outcomes.append(AlreadyReversed)

        threads = [threading.Thread(target=attempt) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(outcomes) == {Accepted, AlreadyReversed}
    assert shop.states() == {}
    books_agree()


def test_reversing_a_fact_whose_units_have_moved_on_opens_a_shortage(shop, books_agree):
    shop.receive(5)
    receipt = shop.entries()[0]
    shop.sell(3)
    shop.reverse(receipt)
    assert shop.states() == {"shortage": 3}
    books_agree()


def test_reversing_a_sale_of_what_was_not_there_clears_the_shortage(shop, books_agree):
    shop.sell(2)
    shop.reverse(shop.entries()[0])
    assert shop.states() == {}
    books_agree()


def test_reversing_a_sale_whose_shortage_was_cleared_puts_the_units_on_the_shelf(shop, books_agree):
    shop.sell(2)
    sale = shop.entries()[0]
    shop.receive(2)
    shop.reverse(sale)
    assert shop.states() == {"available": 2}
    books_agree()


def test_reversing_an_intent_is_refused_when_it_cannot_be_undone_and_can_be_tried_again(shop, books_agree):
    shop.receive(4)
    shop.post(group("q", shop.move("quarantine", 3, "available", "quarantined")))
    moved = shop.entries()[0]
    shop.post(group("w", shop.move("use_up", 2, "quarantined", "scrap"), reason="fire"))
    [refused] = shop.reverse(moved)
    assert isinstance(refused, Refused)
    assert (refused.shortfalls[0].requested, refused.shortfalls[0].available) == (3, 1)
    books_agree()
    shop.reverse(shop.entries()[0])
    [accepted] = shop.reverse(moved)
    assert isinstance(accepted, Accepted)
    assert shop.states() == {"available": 4}
    books_agree()


def test_a_reversal_may_itself_be_reversed(shop, books_agree):
    shop.receive(5)
    shop.reverse(shop.entries()[0])
    shop.reverse(shop.entries()[0])
    assert shop.states() == {"available": 5}
    books_agree()


def test_each_of_a_list_is_reversed(shop, books_agree):
    first, second = shop.items[:2]
    entries = [*shop.receive(5, first).entries, *shop.receive(6, second).entries]
    rows = [shop.entries(item)[0] for item in (first, second)]
    assert len(shop.reverse(*rows)) == len(entries)
    assert shop.states(first) == shop.states(second) == {}
    books_agree()


def test_an_unknown_entry_and_anothers_entry_are_alike_not_there(shop, other_shop):
    other_shop.receive(5)
    theirs = other_shop.entries()[0]
    shop.receive(1)
    mine = shop.entries()[0]

    def reverse_names(*names):
        shop.run(lambda session, now: reverse(session, names, by=TESTER, now=now, reason="x"))

    with pytest.raises(NoSuchMovement):
        reverse_names((theirs.recorded_at, theirs.id))
    with pytest.raises(NoSuchMovement):
        reverse_names((mine.recorded_at, mine.id), (mine.recorded_at + timedelta(seconds=1), mine.id))
    assert shop.states() == {"available": 1}
    assert other_shop.states() == {"available": 5}


def test_what_follows_from_another_entry_is_not_reversed_alone(shop):
    shop.sell(2)
    shop.receive(2)
    clearing = shop.entries()[0]
    assert clearing.kind == "shortage_clear"
    with pytest.raises(NotReversible, match="reverse that one"):
        shop.reverse(clearing)
    shop.count(9)
    with pytest.raises(NotReversible, match="counting again"):
        shop.reverse(shop.entries()[0])


def test_a_count_that_saw_the_original_sees_its_reversal(shop, books_agree):
    """50 were typed where 5 came; the count finds 5; the mended receipt changes nothing on the shelf."""
    shop.receive(50, occurred_at=NOON)
    wrong = shop.entries()[0]
    shop.count(5, at=NOON + timedelta(hours=1))
    shop.reverse(wrong)
    shop.receive(5, occurred_at=NOON)
    assert shop.states() == {"available": 5}
    books_agree()


def test_reversing_a_late_fact_gives_the_count_its_finding_back(shop, books_agree):
    shop.receive(10, occurred_at=NOON)
    shop.count(7, at=NOON + timedelta(hours=2))
    shop.sell(3, occurred_at=NOON + timedelta(hours=1))
    sale = shop.entries()[0]
    assert shop.states() == {"available": 7}
    shop.reverse(sale)
    assert shop.states() == {"available": 7}
    books_agree()


def test_the_mark_of_a_reversal_stays(shop, transact):
    shop.receive(5)
    original = shop.entries()[0]
    shop.reverse(original)
    rows = transact(lambda session, _: cursor(session).execute("SELECT recorded_at, id FROM stock.reversal").fetchall())
    assert rows == [(original.recorded_at, original.id)]
