"""A late fact that a count had seen and does not explain: a person is told, and the next count settles it."""

from datetime import UTC, datetime
from itertools import permutations

import pytest
from onhand_stock.services import doubts
from onhand_stock.testing import receive, sell

EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


def at(hour, minute=0):
    return EIGHT.replace(hour=hour, minute=minute)


def doubts_of(shop, keys=None):
    """How far each place's book is from what was counted, by its cause's key."""
    causes = shop.run(lambda session, now: doubts.still_true(session, shop.entity.id, keys, now))
    return {cause.key: cause.quantity * (1 if "above" in cause.title else -1) for cause in causes}


@pytest.fixture
def key(shop):
    return f"item:{shop.item.id}@location:{shop.location.id}"


@pytest.fixture
def heard(told, drain):
    """What observers were told of doubts so far: (key, quantity, document)."""

    def listen():
        drain()
        return [
            (cause.key, cause.quantity, cause.evidence["document"])
            for event in told.RAISED
            if event.kind == doubts.KIND
            for cause in event.causes
        ]

    return listen


def test_a_sale_told_after_a_count_that_agreed_is_told_to_a_person(shop, key, heard, books_agree):
    """The book says 1, there are 2; one is sold, and told after a count that finds the 1 which the book says."""
    shop.receive(1, occurred_at=at(8))
    shop.count(1, at=at(12))
    assert doubts_of(shop) == {}
    shop.sell(1, occurred_at=at(11), document="till:7/1")
    assert shop.states() == {}, "the count's adjustment was nothing, and no more than it is taken back"
    assert doubts_of(shop) == {key: -1}
    assert heard() == [(key, 1, "till:7/1")]
    books_agree()


def test_the_next_count_settles_it(shop, key, books_agree):
    shop.receive(1, occurred_at=at(8))
    shop.count(1, at=at(12))
    shop.sell(1, occurred_at=at(11))
    assert doubts_of(shop, [key, "item:0@location:0", "hold:1"]) == {key: -1}
    assert shop.count(1, at=at(14)).adjustment == 1
    assert (shop.states(), doubts_of(shop)) == ({"available": 1}, {})
    books_agree()


def test_a_receipt_told_late_leaves_the_book_above_what_was_counted(shop, key, heard):
    shop.receive(5, occurred_at=at(8))
    shop.count(5, at=at(12))
    shop.receive(2, occurred_at=at(9), document="dock:1")
    assert (doubts_of(shop), heard()) == ({key: 2}, [(key, 2, "dock:1")])


def test_what_the_count_explains_is_no_doubt(shop, heard):
    shop.receive(10, occurred_at=at(8))
    shop.count(7, at=at(12))
    for units in (2, 1):
        shop.sell(units, occurred_at=at(11))
        assert doubts_of(shop) == {}
    assert heard() == []


def test_only_what_the_count_does_not_explain_is_in_doubt(shop, key, heard):
    shop.receive(10, occurred_at=at(8))
    shop.count(9, at=at(12))
    shop.sell(3, occurred_at=at(11), document="till:1")
    shop.sell(1, occurred_at=at(11), document="till:2")
    assert doubts_of(shop) == {key: -3}
    assert heard() == [(key, 2, "till:1"), (key, 3, "till:2")]


def test_facts_since_the_count_and_places_never_counted_raise_none(shop, heard):
    shop.receive(5, occurred_at=at(8))
    shop.sell(1, occurred_at=at(7))
    shop.count(4, at=at(12))
    shop.sell(2, occurred_at=at(12))
    assert (doubts_of(shop), heard()) == ({}, [])


def test_a_late_fact_that_was_none_takes_its_doubt_with_it(shop, key):
    shop.receive(5, occurred_at=at(8))
    shop.count(5, at=at(12))
    sale = shop.sell(2, occurred_at=at(11)).entries[0]
    assert doubts_of(shop) == {key: -2}
    entry = next(one for one in shop.entries() if one.id == sale.id)
    shop.reverse(entry)
    assert (doubts_of(shop), shop.states()) == ({}, {"available": 5})


def test_the_count_itself_tells_where_the_fact_was_told_first(shop, key, heard):
    position = shop.receive(5, occurred_at=at(8)).entries[-1].id
    shop.sell(1, occurred_at=at(11))
    counted = shop.count(5, at=at(12), position=position)
    assert doubts_of(shop) == {key: -1}
    assert heard() == [(key, 1, f"count:{counted.id}")]


def test_in_any_order_the_doubt_is_how_far_the_book_is_from_what_was_counted(shop, books_agree):
    steps = ["late sale", "late receipt", "sale since", "count"]
    for item, order in zip(shop.items, [*permutations(steps)][::2], strict=False):
        position = shop.receive(10, item, occurred_at=at(7)).entries[-1].id
        for step in order:
            if step == "count":
                shop.count(12, at=at(12), position=position, item=item)
            elif step == "late receipt":
                shop.receive(1, item, occurred_at=at(9))
            else:
                shop.sell(4, item, occurred_at=at(9 if step == "late sale" else 13))
        assert shop.states(item) == {"available": 12 - 4 - 3}, "counted, sold since, and 3 that the count did not miss"
        key = f"item:{item.id}@location:{shop.location.id}"
        assert doubts_of(shop, [key]) == {key: -3}
    books_agree()


def test_where_nothing_is_late_a_count_costs_the_postings_after_it_nothing(shop, statements):
    def post(*, fact, occurred_at=None):
        verb = sell if fact == "sale" else receive
        what = {shop.item.id: 1}
        place = shop.entity.id, shop.location.id
        with statements() as seen:
            shop.run(lambda session, now: verb(session, now, *place, what, occurred_at=occurred_at or now) and None)
        return len(seen)

    post(fact="receipt")  # makes the balance
    before = [post(fact=fact) for fact in ("receipt", "sale")]
    shop.count(0)
    assert [post(fact=fact) for fact in ("receipt", "sale")] == before
