"""Back-tests of time to live and buffer: recorded holds and refusals are decided again, and only those that differ count."""

import pytest
from onhand.policies.backtesting import backtest
from onhand.policies.book import Where
from onhand.policies.services import PolicyChange, set_policies
from onhand_reservations import services
from onhand_reservations.testing import TESTER
from onhand_reservations.values import Change


@pytest.fixture
def tried(shop, superuser):
    """Back-test a draft for the shop's entity, after whatever the shop's clock was put forward to."""

    def do(name, value, days=7, **place):
        where = Where(entity_id=shop.entity.id, **place)
        change = PolicyChange(f"reservations.{name}", value, where)
        return shop.run(lambda session, now: backtest(session, [change], now=now, days=days))[0].result

    return do


def settle(shop, held, verb):
    shop.run(lambda s, now: getattr(services, verb)(s, [Change(held.id)], by=TESTER, now=now) and None)


def test_shorter_time_to_live_loses_what_was_confirmed_late(shop, tried):
    shop.stock(100)
    late, early, left = shop.hold(3, reference="late"), shop.hold(2), shop.hold(1, reference="left")
    shop.hold(5, ttl_seconds=700)
    shop.pass_time(seconds=60)
    settle(shop, early, "confirm")
    shop.pass_time(seconds=500)
    settle(shop, late, "confirm")
    shop.pass_time(seconds=900)
    shop.sweep()
    found = tried("ttl_seconds", 300)
    assert (found.examined, found.different, found.quantity) == (4, 2, 4)
    by_label = {row.label: (row.before, row.after) for row in found.rows}
    assert by_label == {
        "late: 3 units": ("confirmed in time", "expired after 300 s"),
        "left: 1 unit": ("expired after 900 s", "expired after 300 s"),
    }
    assert {row.href for row in found.rows} == {f"/reservations/{late.id}", f"/reservations/{left.id}"}
    assert found.notes[0].startswith("1 holds asked for their own time")
    assert tried("ttl_seconds", 900).different == 0
    assert tried("ttl_seconds", 300, days=1).different == 2


def test_hold_that_has_not_ended_counts_only_where_it_would_have(shop, tried):
    shop.stock(10)
    shop.hold(2)
    shop.pass_time(seconds=120)
    assert tried("ttl_seconds", 600).different == 0
    [row] = tried("ttl_seconds", 60).rows
    assert (row.before, row.after) == ("still held", "expired after 60 s")


def test_larger_buffer_refuses_what_left_too_little(shop, tried):
    shop.stock(10)
    shop.hold(4, reference="first")
    shop.hold(4, reference="second")
    found = tried("buffer", 3)
    assert (found.examined, found.different, found.quantity) == (2, 1, 4)
    [row] = found.rows
    assert row.label == f"second: 4 of {shop.sku}"
    assert (row.before, row.after) == ("promised, 2 left above a buffer of 0", "refused: 3 are kept back")
    assert (row.amount_minor, found.amount_minor) == (None, None)
    value = PolicyChange("stock.unit_value_minor", "250", Where(item_id=shop.item.id))
    shop.run(lambda s, now: set_policies(s, [value], by=TESTER, now=now) and None)
    assert tried("buffer", 3).amount_minor == 1_000
    assert tried("buffer", 2).different == 0
    assert tried("buffer", 3, location_id=shop.stores[1].id).different == 0, "another store's buffer"


def test_smaller_buffer_promises_what_was_refused_at_the_stock_of_that_time(shop, tried):
    shop.stock(10)
    shop.set_policy("buffer", 5, entity_id=shop.entity.id)
    held = shop.hold(3)
    shop.try_hold({shop.sku: 4})
    shop.stock(100)
    assert held.lines[0].quantity == 3
    assert tried("buffer", 3).rows[0].after == "promised: 3 kept back"
    found = tried("buffer", 3)
    assert (found.different, found.quantity) == (1, 4)
    assert found.rows[0].before == "refused: 7 there, 5 kept back"
    assert tried("buffer", 4).different == 0


def test_back_test_sees_its_own_entities_only_and_writes_nothing(shop, other_shop, tried, superuser):
    other_shop.stock(10)
    other_shop.hold(9)
    assert tried("buffer", 5).examined == 0
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]


def test_back_test_reads_a_constant_number_of_statements(shop, statements):
    def count():
        change = PolicyChange("reservations.buffer", 50, Where(entity_id=shop.entity.id))
        with statements() as seen:
            shop.run(lambda session, now: backtest(session, [change], now=now, days=7)[0].result.different)
        return len(seen)

    shop.stock(100)
    shop.hold(60)
    few = count()
    for _ in range(4):
        shop.hold(2)
    shop.try_hold({shop.sku: 99})
    assert count() <= few + 1
