"""Many at once: no deadlock, no unit sold twice, and a control that shows what the lock prevents."""

import threading
from contextlib import suppress

import psycopg
import pytest
from onhand.db import cursor
from onhand_stock.api import Accepted, Group, post
from onhand_stock.services import posting
from onhand_stock.testing import TESTER

ROUNDS = 50


def run_together(*works):
    """Run each work in a thread of its own, begun at the same moment; raise what one of them raised."""
    ready, raised = threading.Barrier(len(works)), []

    def begin(work):
        ready.wait()
        try:
            work()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=begin, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@pytest.fixture
def deadlocks(superuser):
    """How many deadlocks the database has had, once its counters are written."""

    def count():
        superuser("SELECT pg_stat_force_next_flush()")
        return superuser("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")[0][0]

    return count


def test_two_that_post_the_same_items_in_opposite_order_never_deadlock(shop, deadlocks, books_agree):
    before = deadlocks()

    def selling(items):
        def work():
            for n in range(ROUNDS):
                moves = [shop.move("sale", 1, "available", "customer", item=item) for item in items]
                shop.run(lambda session, now, moves=moves, n=n: post(
                    session, [Group(f"g{n}", tuple(moves), "t", now, "test")], by=TESTER, now=now
                ))  # fmt: skip

        return work

    run_together(selling(shop.items), selling(shop.items[::-1]))
    assert [shop.states(item) for item in shop.items] == [{"shortage": 2 * ROUNDS}] * len(shop.items)
    assert deadlocks() == before
    books_agree()


def test_the_control_locking_line_by_line_in_opposite_order_does_deadlock(shop):
    """What the one sorted lock prevents: the same two callers, each taking its rows one by one."""
    for item in shop.items[:2]:
        shop.receive(1, item)
    met, states = threading.Barrier(2), []
    sql = "SELECT FROM stock.balance WHERE item_id = %s FOR NO KEY UPDATE"

    def locking(first, second):
        def command(session, _):
            raw = cursor(session)
            raw.execute("SET LOCAL ROLE onhand_stock")
            raw.execute(sql, (first.id,))
            met.wait(timeout=5)
            try:
                raw.execute(sql, (second.id,))
            except psycopg.errors.DeadlockDetected as error:
                states.append(error.sqlstate)
                raise RuntimeError("not to be run again") from error

        def work():
            with suppress(RuntimeError):
                shop.run(command)

        return work

    run_together(locking(*shop.items[:2]), locking(*shop.items[1::-1]))
    assert states == ["40P01"]


def test_of_many_that_want_the_last_units_as_many_get_them_as_there_are(shop, books_agree):
    shop.receive(5)
    outcomes = []

    def attempt():
        move = shop.move("use_up", 1, "available", "scrap")
        outcomes.extend(shop.run(lambda session, now: post(
            session, [Group("g", (move,), "t", now, "test", reason="fire")], by=TESTER, now=now
        )))  # fmt: skip

    run_together(*[attempt] * 12)
    assert sum(type(outcome) is Accepted for outcome in outcomes) == 5
    assert len(outcomes) == 12
    assert shop.states() == {}
    books_agree()


def test_the_first_movement_of_an_item_may_be_made_by_two_at_once(shop, books_agree):
    for item in shop.items:
        run_together(lambda item=item: shop.receive(1, item), lambda item=item: shop.receive(2, item))
        assert shop.states(item) == {"available": 3}
    books_agree()


def test_entries_of_a_shelf_are_numbered_in_the_order_in_which_they_were_posted(shop, books_agree):
    def receiving():
        for _ in range(15):
            shop.receive(1)

    run_together(receiving, receiving, receiving)
    left = [entry.to_after for entry in shop.entries(limit=100)]
    assert left == list(range(45, 0, -1))
    books_agree()


def test_many_that_remember_a_balance_of_another_database_all_make_it_anew(shop, monkeypatch, books_agree):
    """Each sends its lock believing the row is there; the first to find out forgets for all of them."""
    lock, together, believing = posting._lock, threading.Barrier(3), []

    def locking(session, wanted):
        if len(believing) < 3:
            posting.seen.update(wanted)
            believing.append(wanted)
            together.wait(timeout=5)
        return lock(session, wanted)

    monkeypatch.setattr(posting, "_lock", locking)
    run_together(*[lambda: shop.receive(1)] * 3)
    assert shop.states() == {"available": 3}
    books_agree()


def test_a_balance_whose_making_was_rolled_back_is_not_remembered(shop):
    def receiving_in_vain(session, now):
        group = Group("g", (shop.move("receipt", 1, "supplier", "available"),), "t", now, "test")
        post(session, [group], by=TESTER, now=now)
        raise RuntimeError("in vain")

    with suppress(RuntimeError):
        shop.run(receiving_in_vain)
    assert (shop.item.id, shop.location.id) not in posting.seen
    shop.receive(1)
    assert (shop.item.id, shop.location.id) in posting.seen
