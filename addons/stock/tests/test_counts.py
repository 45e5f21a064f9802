"""Absolute counts: the shelf wins over the book, at its own moment; facts told late explain what it found."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand_stock.api import Count, count
from onhand_stock.testing import TESTER

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def at(hour, minute=0):
    return EIGHT.replace(hour=hour, minute=minute)


def test_a_count_posts_what_it_found_beyond_the_book(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    counted = shop.count(13, at=at(9))
    assert (counted.expected, counted.adjustment) == (10, 3)
    assert shop.states() == {"available": 13}
    entry = shop.entries()[0]
    assert (entry.kind, entry.from_state, entry.quantity) == ("count_adjustment", "found", 3)
    assert entry.trigger == f"count:{counted.id}"
    books_agree()


def test_what_a_count_misses_beyond_the_shelf_becomes_shortage(shop, books_agree):
    shop.receive(2, occurred_at=at(8))
    shop.take_back(5, occurred_at=at(8))
    counted = shop.count(3, at=at(9))
    assert counted.adjustment == -4
    assert shop.states() == {"customer_returned": 5, "shortage": 2}
    books_agree()


def test_a_count_that_agrees_posts_nothing_and_is_kept(shop, books_agree, transact):
    shop.receive(4, occurred_at=at(8))
    counted = shop.count(4, at=at(9))
    assert (counted.expected, counted.adjustment) == (4, 0)
    assert len(shop.entries()) == 1
    books_agree()


def test_entries_after_the_counted_position_stand(shop, books_agree):
    position = shop.receive(10, occurred_at=at(8)).entries[-1].id
    shop.sell(3, occurred_at=at(10))
    counted = shop.count(9, at=at(9), position=position)
    assert (counted.expected, counted.adjustment) == (10, -1)
    assert shop.states() == {"available": 6}
    books_agree()


def test_without_a_position_what_occurred_after_the_count_stands(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.sell(3, occurred_at=at(10))
    assert shop.count(9, at=at(9)).adjustment == -1
    assert shop.states() == {"available": 6}
    books_agree()


def test_a_late_sale_explains_what_a_count_missed(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(7, at=at(12))
    shop.sell(3, occurred_at=at(11))
    assert shop.states() == {"available": 7}
    assert [entry.kind for entry in shop.entries()[:2]] == ["sale", "count_correction"]
    books_agree()


def test_a_late_receipt_explains_what_a_count_found(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(14, at=at(12))
    shop.receive(4, occurred_at=at(11))
    assert shop.states() == {"available": 14}
    books_agree()


def test_a_late_fact_takes_back_never_more_than_the_adjustment_was(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(8, at=at(12))
    shop.sell(3, occurred_at=at(11))
    assert shop.states() == {"available": 7}
    shop.sell(2, occurred_at=at(11))
    assert shop.states() == {"available": 5}
    books_agree()


def test_a_late_fact_the_other_way_takes_nothing_back(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(8, at=at(12))
    shop.receive(3, occurred_at=at(11))
    assert shop.states() == {"available": 11}
    books_agree()


def test_facts_after_the_count_leave_it_alone(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(7, at=at(12))
    shop.sell(3, occurred_at=at(12))
    assert shop.states() == {"available": 4}
    books_agree()


def test_a_fact_recorded_between_position_and_count_counts_as_late(shop, books_agree):
    position = shop.receive(10, occurred_at=at(8)).entries[-1].id
    shop.sell(1, occurred_at=at(9))
    counted = shop.count(9, at=at(10), position=position)
    assert (counted.expected, counted.adjustment) == (10, 0)
    assert shop.states() == {"available": 9}
    books_agree()


def test_late_fact_and_count_end_alike_in_any_order(shop, books_agree):
    """A sale before the count, one after it and the count itself: told in every order, one shelf."""
    ends = []
    for item, order in zip(shop.items, permutations(["sale before", "sale after", "count"]), strict=False):
        shop.receive(10, item, occurred_at=at(7))
        position = shop.entries(item)[0].id
        for step in order:
            if step == "count":
                shop.count(8, at=at(9), position=position, item=item)
            else:
                shop.sell(2 if step == "sale before" else 1, item, occurred_at=at(8 if step == "sale before" else 10))
        ends.append(shop.states(item))
    assert ends == [{"available": 7}] * 6
    books_agree()


def test_a_count_older_than_the_last_is_kept_and_changes_nothing(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(7, at=at(12))
    older = shop.count(12, at=at(11))
    assert older.adjustment == 0
    assert shop.states() == {"available": 7}
    shop.sell(3, occurred_at=at(10))
    assert shop.states() == {"available": 7}
    books_agree()


def test_a_late_sale_explains_what_the_count_before_the_last_missed(shop, books_agree):
    shop.receive(2, occurred_at=at(8))
    shop.count(1, at=at(10))
    assert shop.count(1, at=at(12)).adjustment == 0
    shop.sell(1, occurred_at=at(9))
    assert shop.states() == {"available": 1}
    books_agree()


def test_a_late_sale_between_two_counts_explains_what_the_first_overlooked(shop, books_agree):
    """The last unit is overlooked in the fitting room, sold there, and told after a count that finds none."""
    shop.receive(1, occurred_at=at(8))
    shop.count(0, at=at(10))
    shop.count(0, at=at(12))
    shop.sell(1, occurred_at=at(11))
    assert shop.states() == {}
    books_agree()


def test_a_recount_takes_back_what_a_count_overlooked_and_leaves_late_facts_the_rest(shop, books_agree):
    shop.receive(2, occurred_at=at(8))
    shop.count(0, at=at(10))  # one was sold, one overlooked
    assert shop.count(1, at=at(12)).adjustment == 1
    shop.sell(1, occurred_at=at(9))
    assert shop.states() == {"available": 1}
    shop.sell(1, occurred_at=at(9))
    assert shop.states() == {}
    books_agree()


def test_a_late_fact_explains_counts_never_beyond_what_they_adjusted_together(shop, books_agree):
    shop.receive(10, occurred_at=at(8))
    shop.count(9, at=at(10))
    shop.count(8, at=at(12))
    shop.sell(3, occurred_at=at(9))
    assert shop.states() == {"available": 7}
    books_agree()


def test_an_earlier_count_entered_between_position_and_count_is_no_fact(shop, books_agree):
    position = shop.receive(1, occurred_at=at(8)).entries[-1].id
    shop.count(0, at=at(10), position=position)
    assert shop.count(0, at=at(12), position=position).adjustment == 0
    shop.sell(1, occurred_at=at(9))
    assert shop.states() == {}
    books_agree()


def test_an_item_is_counted_once_per_location_in_a_list(shop):
    def twice(session, now):
        one = Count(shop.entity.id, shop.item.id, shop.location.id, 1, now)
        return count(session, [one, one], by=TESTER, now=now, source="test")

    with pytest.raises(ValueError, match="twice"):
        shop.run(twice)


def test_counting_many_takes_as_many_statements_as_counting_one(shop, statements):
    def count_all(items):
        def command(session, now):
            listed = [Count(shop.entity.id, item.id, shop.location.id, 3, now) for item in items]
            return count(session, listed, by=TESTER, now=now, source="test")

        with statements() as seen:
            assert all(found.adjustment == 3 for found in shop.run(command))
        return len(seen)

    assert count_all(shop.items[:1]) == count_all(shop.items[1:])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_it_does_not_matter_which_facts_are_told_before_the_count(shop, counted, facts, told_before):
    """Of facts that happened before a count some are recorded before it, some after: the book ends alike."""
    assert _tell(shop, counted, facts, told_before) == _tell(shop, counted, facts, [True] * 4)


def _tell(shop, counted, facts, told_before):
    from onhand_master_data.testing import make_item

    item = shop.transact(lambda session, now: make_item(session, now, shop.entity.id))
    position = shop.receive(20, item, occurred_at=at(7)).entries[-1].id

    def tell(n):
        units, is_sale = facts[n]
        (shop.sell if is_sale else shop.receive)(units, item, occurred_at=at(8))

    for n in range(len(facts)):
        if told_before[n]:
            tell(n)
    shop.count(counted, at=at(9), position=position, item=item)
    for n in range(len(facts)):
        if not told_before[n]:
            tell(n)
    states = shop.states(item)
    return states.get("available", 0) - states.get("shortage", 0)
