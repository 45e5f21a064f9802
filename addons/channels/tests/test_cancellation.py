"""Cancellation: who keeps promises is told what an order no longer wants, in all."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from onhand.addons import Addon
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import deliver

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"channels"}), Addon("trip", "onhand-trip", "1", "trip")]


@pytest.fixture
def told(drain):
    """What observers were told of cancelled units, once all jobs are done."""
    from trip.plugin import CANCELLED

    CANCELLED.clear()

    def look():
        drain()
        return list(CANCELLED)

    yield look
    CANCELLED.clear()


def cancellation(shop, line, quantity):
    lines = [{"sku": "TEA", "quantity": quantity, "line": line}]
    return shop.event("cancellation", lines, order="o-1", location=None)


def test_what_is_told_is_the_sum_of_an_orders_lines(shop, told):
    first = cancellation(shop, 1, 2)
    for one in (first, cancellation(shop, 2, 3), first, cancellation(shop, 1, 1)):
        shop.tell(one)
    shop.tell(cancellation(shop, 1, 1), cancellation(shop, 2, 1))
    assert told() == [("o-1", shop.tea.id, total) for total in (2, 5, 6, 8)]


def test_two_who_cancel_lines_of_one_order_at_once_tell_the_sum(shop, transact, superuser, told):
    inside, others_wait = Event(), Event()

    def first(session, now):
        deliver(session, now, shop.till, cancellation(shop, 1, 2))
        inside.set()
        assert others_wait.wait(60)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(transact, first)
        assert inside.wait(60)
        two = pool.submit(shop.tell, cancellation(shop, 2, 3))
        deadline = time.monotonic() + 60
        while not superuser(WAITING)[0][0] and not two.done():
            assert time.monotonic() < deadline
        others_wait.set()
        one.result()
        assert [answer.outcome for answer in two.result()] == ["posted"]
    assert max(total for _, _, total in told()) == 5
