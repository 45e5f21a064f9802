"""Shortage: what left though the book had none, which entry took it, what brought it back, and whom it concerns."""

from datetime import UTC, datetime, timedelta

import pytest
from onhand.db import cursor
from onhand_stock.services import shortages
from onhand_stock.testing import receive, sell

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(hours=2), NOON + timedelta(hours=2)


def causes(shop, keys=None):
    return shop.run(lambda session, now: shortages.still_true(session, shop.entity.id, keys, now))


def test_a_sale_the_book_cannot_cover_is_posted_against_shortage(shop, books_agree):
    shop.receive(2)
    shop.sell(5)
    assert shop.states() == {"shortage": 3}
    assert [(entry.from_state, entry.quantity, entry.from_after) for entry in shop.entries()[:2]] == [
        ("shortage", 3, 3),
        ("available", 2, 0),
    ]
    books_agree()


def test_sale_and_receipt_end_alike_in_either_order(shop, books_agree):
    first, second = shop.items[:2]
    shop.receive(7, first)
    shop.sell(5, first)
    shop.sell(5, second)
    shop.receive(7, second)
    assert shop.states(first) == shop.states(second) == {"available": 2}
    assert [entry.kind for entry in shop.entries(second)] == ["shortage_clear", "receipt", "sale"]
    books_agree()


def test_what_clears_a_shortage_is_named_with_what_opened_it_oldest_first(shop, books_agree, transact):
    first = shop.sell(2).entries[0]
    second = shop.sell(3).entries[0]
    bringing = shop.receive(4).entries
    rows = transact(lambda session, _: cursor(session).execute(
        "SELECT opened_id, raised_id, cleared_id, quantity FROM stock.shortage_clearance ORDER BY opened_id"
    ).fetchall())  # fmt: skip
    receipt, clearing = (entry.id for entry in bringing)
    assert rows == [(first.id, receipt, clearing, 2), (second.id, receipt, clearing, 2)]
    assert shop.states() == {"shortage": 1}
    books_agree()


def test_everything_that_raises_the_shelf_clears(shop, books_agree):
    shop.take_back(5)
    shop.sell(2)
    shop.count(6)
    assert shop.states() == {"available": 1, "customer_returned": 5}
    books_agree()


def test_the_cause_stands_until_the_units_turn_up(shop):
    shop.sell(3, document="till:1/9", occurred_at=NOON)
    [cause] = causes(shop)
    assert (cause.quantity, cause.occurred_at, cause.evidence["document"]) == (3, NOON, "till:1/9")
    assert cause.key == f"item:{shop.item.id}@location:{shop.location.id}"
    assert causes(shop, [cause.key]) == [cause]
    assert causes(shop, ["item:0@location:0", "hold:7", "event:web/1"]) == []
    shop.receive(2, occurred_at=EARLIER)
    assert [one.quantity for one in causes(shop)] == [1]


def test_it_closes_by_itself_when_the_units_had_come_before_they_left(shop):
    shop.sell(3, occurred_at=NOON)
    shop.receive(3, occurred_at=EARLIER)
    assert causes(shop) == []


def test_it_stays_as_a_probable_count_error_when_they_came_after_until_somebody_counts(shop):
    shop.sell(3, occurred_at=NOON)
    shop.receive(5, occurred_at=LATER)
    [cause] = causes(shop)
    assert cause.quantity == 3
    assert "probably miscounted" in cause.title
    shop.count(2, at=EARLIER)
    assert len(causes(shop)) == 1
    shop.count(2, at=LATER)
    assert causes(shop) == []


def test_a_shortage_is_told_once_per_entry_that_took_what_was_not_there(shop, told, drain):
    a, b = shop.items[:2]
    shop.receive(1, a)
    shop.run(lambda session, now: sell(session, now, shop.entity.id, shop.location.id, {a.id: 4, b.id: 2}))
    assert drain().failed == 0
    [event] = told.RAISED
    assert event.kind == "shortage"
    assert [(cause.item_id, cause.quantity) for cause in event.causes] == [(a.id, 3), (b.id, 2)]
    assert len({cause.evidence["id"] for cause in event.causes}) == 2


@pytest.mark.disabled_in_b("yard")
def test_nothing_is_told_where_nobody_listens(shop, other_shop, told, drain, superuser):
    other_shop.sell(2)
    assert superuser("SELECT count(*) FROM onhand.outbox") == [(0,)]
    drain()
    assert told.RAISED == []


def test_a_link_to_an_item_survives_whatever_a_sku_is_made_of(transact, entities, shop):
    from onhand_master_data.testing import make_item

    item = transact(lambda session, now: make_item(session, now, sku="A#1 +x"))
    shop.sell(1, item)
    [cause] = causes(shop)
    assert cause.evidence["href"] == "/stock/items/A%231%20%2Bx?location=S1"


@pytest.mark.parametrize("at_the_door", [True, False])
def test_what_is_not_yet_on_the_shelf_clears_nothing(shop, books_agree, at_the_door):
    shop.sell(2)
    shop.run(lambda session, now: receive(session, now, shop.entity.id, shop.location.id, {shop.item.id: 2},
                                          state="receiving" if at_the_door else "available"))  # fmt: skip
    assert shop.states() == ({"receiving": 2, "shortage": 2} if at_the_door else {})
    books_agree()
