"""Cancellations that a channel tells: in any order, late, twice, beside a release by the shop itself."""

from itertools import permutations

import pytest
from onhand_channels.api import CancelledUnits
from onhand_reservations import services
from onhand_reservations.testing import TESTER


@pytest.fixture
def cancel(shop):
    def tell(*totals, order="web-1", item=None):
        """Tell how much of an order was cancelled, as observers are told it: the total so far."""
        item_id = (item or shop.item).id
        units = [CancelledUnits(shop.channel.id, order, item_id, total) for total in totals]
        return shop.run(lambda s, now: services.cancel(s, units, by=TESTER, now=now))

    return tell


def lines(hold):
    return [(line.quantity, line.fulfilled, line.released) for line in hold.lines]


def test_a_cancellation_event_lets_go_what_was_held_for_its_order(shop, drain, superuser, books_agree):
    shop.stock(3)
    held, other = shop.firm(2, reference="web-1"), shop.firm(1, reference="web-2")
    assert shop.tell("cancellation", {shop.sku: 2}, order="web-1") == "posted"
    drain()
    assert (shop.show(held).status, shop.show(other).status) == ("released", "confirmed")
    assert shop.states() == {"available": 2, "reserved": 1}
    sql = "SELECT reason, actor FROM stock.movement WHERE kind = 'release'"
    assert superuser(sql) == [("cancel", "system:channel-cancellation")]
    books_agree()


def test_cancellations_told_together_lock_stock_once(shop, drain, statements, books_agree):
    """Locking for one after the other would be in no order, and deadlock with whoever locks for both at once."""
    shop.stock(4)
    orders = ("web-1", "web-2")
    held = [shop.firm(2, reference=order) for order in orders]
    for order in orders:
        shop.tell("cancellation", {shop.sku: 2}, order=order)
    with statements() as seen:
        drain()
    assert len(seen.starting("/* post.lock */")) == 1
    assert [shop.show(one).status for one in held] == ["released", "released"]
    books_agree()


@pytest.mark.parametrize("order", list(permutations([1, 2, 4])))
def test_totals_end_alike_in_every_order_and_told_twice(shop, cancel, order, books_agree):
    shop.stock(5)
    held = shop.firm(5, reference="web-1")
    for total in (*order, *order):
        cancel(total)
    assert lines(shop.show(held)) == [(5, 0, 4)]
    books_agree()


def test_several_totals_in_one_list_count_as_the_largest(shop, cancel):
    shop.stock(5)
    held = shop.firm(5, reference="web-1")
    assert cancel(1, 3, 2) == 3
    assert lines(shop.show(held)) == [(5, 0, 3)]


def test_what_the_shop_released_itself_counts(shop, cancel, books_agree):
    shop.stock(5)
    held = shop.firm(5, reference="web-1")
    shop.do("release", held, [(1, 2)])
    assert cancel(3) == 1
    assert lines(shop.show(held)) == [(5, 0, 3)]
    books_agree()


def test_a_cancellation_told_again_after_the_customer_ordered_anew_cancels_nothing_new(shop, cancel, books_agree):
    shop.stock(5)
    shop.firm(2, reference="web-1")
    assert cancel(2) == 2
    again = shop.firm(3, reference="web-1")
    assert cancel(2) == 0
    assert lines(shop.show(again)) == [(3, 0, 0)]
    books_agree()


def test_units_that_lapsed_were_not_cancelled(shop, cancel, books_agree):
    shop.stock(5)
    held = shop.hold(2, reference="web-1", ttl_seconds=10)
    shop.pass_time(seconds=10)
    again = shop.extend(held, 60)
    assert cancel(2) == 2
    assert (shop.show(held).status, shop.show(again).status) == ("expired", "released")
    books_agree()


def test_no_more_is_let_go_than_is_open(shop, cancel, books_agree):
    shop.stock(5)
    held = shop.firm(3, reference="web-1")
    shop.do("fulfil", held, [(1, 2)])
    assert cancel(3) == 1
    assert (shop.show(held).status, lines(shop.show(held))) == ("fulfilled", [(3, 2, 1)])
    books_agree()


def test_the_oldest_hold_and_the_first_line_are_let_go_first(shop, cancel, books_agree):
    shop.stock(9)
    older, newer = shop.firm([(shop.sku, 1), (shop.sku, 2)], reference="web-1"), shop.firm(2, reference="web-1")
    assert cancel(2) == 2
    assert (lines(shop.show(older)), lines(shop.show(newer))) == ([(1, 0, 1), (2, 0, 1)], [(2, 0, 0)])
    assert cancel(4) == 2
    assert (lines(shop.show(older)), lines(shop.show(newer))) == ([(1, 0, 1), (2, 0, 2)], [(2, 0, 1)])
    books_agree()


def test_only_the_item_named_is_let_go(shop, cancel, books_agree):
    a, b = shop.items[:2]
    shop.stock(1, a)
    shop.stock(1, b)
    held = shop.firm({a.sku: 1, b.sku: 1}, reference="web-1")
    cancel(1, item=b)
    assert lines(shop.show(held)) == [(1, 0, 0), (1, 0, 1)]
    books_agree()


def test_a_hold_that_ran_out_is_left_to_the_sweep(shop, cancel, superuser, books_agree):
    shop.stock(1)
    shop.hold(1, reference="web-1", ttl_seconds=10)
    shop.pass_time(seconds=10)
    assert cancel(1) == 0
    shop.sweep()
    assert superuser("SELECT status, release_event FROM reservations.hold") == [("expired", "timeout")]
    books_agree()


def test_an_order_that_nobody_held_for_is_no_trouble(cancel):
    assert cancel(1, order="web-404") == 0


def test_another_entitys_order_of_the_same_name_is_untouched(shop, other_shop, cancel):
    other_shop.stock(1)
    theirs = other_shop.firm(1, reference="web-1")
    assert cancel(1) == 0
    assert other_shop.show(theirs).status == "confirmed"


def test_a_list_costs_the_same_however_many_orders_it_cancels(shop, statements):
    shop.stock(500)
    counts = set()
    for length in (1, 10, 200):
        orders = [f"web-{length}-{number}" for number in range(length)]
        shop.ask(*[shop.wish({shop.sku: 1}, reference=order) for order in orders])
        units = [CancelledUnits(shop.channel.id, order, shop.item.id, 1) for order in orders]
        with statements() as seen:
            assert shop.run(lambda s, now, u=units: services.cancel(s, u, by=TESTER, now=now)) == length
        counts.add(len(seen))
    assert len(counts) == 1, counts
