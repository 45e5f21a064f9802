"""Time: holds that run out give their units back, make room for others, and are extended before or held anew after."""

from datetime import timedelta

import pytest
from onhand_master_data.api import ItemChange, update_items
from onhand_reservations import services
from onhand_reservations.testing import TESTER
from onhand_reservations.values import Extension, Hold, NotAllowed, OutOfStock, Shortfall


def test_the_sweep_gives_back_what_is_due_and_only_that(shop, books_agree):
    shop.stock(3)
    short, long = shop.hold(ttl_seconds=10), shop.hold(ttl_seconds=60)
    shop.pass_time(seconds=10)
    assert shop.sweep() == 1
    assert shop.sweep() == 0
    assert (shop.show(short).status, shop.show(long).status) == ("expired", "held")
    assert shop.states() == {"available": 2, "reserved": 1}
    books_agree()


def test_an_expired_hold_names_timeout_and_how_many_units_lapsed(shop, superuser):
    shop.stock(5)
    held = shop.hold(5, ttl_seconds=10)
    shop.do("release", held, [(1, 2)])
    shop.pass_time(seconds=10)
    shop.sweep()
    assert superuser("SELECT status, release_event FROM reservations.hold") == [("expired", "timeout")]
    assert superuser("SELECT quantity, fulfilled, released, lapsed FROM reservations.hold_line") == [(5, 0, 5, 3)]


def test_a_sweep_takes_at_most_its_batch(shop):
    shop.stock(3)
    for _ in range(3):
        shop.hold(ttl_seconds=1)
    shop.pass_time(seconds=1)
    sweep = lambda s, now: services.expire_due(s, by=TESTER, now=now, limit=2)  # noqa: E731
    assert [shop.run(sweep) for _ in range(3)] == [2, 1, 0]


def test_a_sweep_costs_the_same_whatever_is_due(shop, statements):
    shop.stock(500)
    counts = set()
    for length in (1, 10, 200):
        shop.ask(*[shop.wish({shop.sku: 1}, ttl_seconds=1) for _ in range(length)])
        shop.pass_time(seconds=1)
        with statements() as seen:
            assert shop.run(lambda s, now: services.expire_due(s, by=TESTER, now=now)) == length
        counts.add(len(seen))
    assert len(counts) == 1, counts


def test_a_refusal_that_expired_holds_stand_behind_may_be_cured(shop):
    shop.stock(1)
    shop.hold(ttl_seconds=1)
    assert not shop.try_hold({shop.sku: 1}, location="A1").curable
    shop.pass_time(seconds=1)
    assert shop.try_hold({shop.sku: 1}, location="A1").curable


def test_making_room_releases_what_is_due_of_the_items_asked_for_and_nothing_else(shop, books_agree):
    a, b = shop.items[:2]
    shop.stock(1, a)
    shop.stock(1, b)
    in_the_way, beside = shop.hold({a.sku: 1}, ttl_seconds=1), shop.hold({b.sku: 1}, ttl_seconds=1)
    shop.pass_time(seconds=1)
    wish = shop.wish({a.sku: 1})
    assert shop.run(lambda s, now: services.make_room(s, [wish], by=TESTER, now=now)) == 1
    assert (shop.show(in_the_way).status, shop.show(beside).status) == ("expired", "held")
    assert isinstance(shop.ask(wish)[0], Hold)
    books_agree()


def test_extending_before_expiry_moves_it_within_policy_and_never_back(shop):
    shop.stock(1)
    shop.set_policy("ttl_seconds_max", 100, channel_id=shop.channel.id)
    shop.set_policy("ttl_seconds", 50, channel_id=shop.channel.id)
    held = shop.hold()
    shop.pass_time(seconds=30)
    now = held.expires_at - timedelta(seconds=20)
    answer = shop.extend(held, 100)
    assert (answer.id, answer.status) == (held.id, "held")
    assert timedelta() <= answer.expires_at - now - timedelta(seconds=100) < timedelta(seconds=5)
    assert shop.extend(held).expires_at == answer.expires_at
    refused = shop.extend(held, 101)
    assert (refused.reason, refused.detail) == ("ttl", "must be 1 to 100, by the policy of this channel")
    assert shop.show(held).expires_at == answer.expires_at


@pytest.mark.parametrize("swept", [True, False])
def test_extending_after_expiry_holds_anew_and_names_the_old(shop, swept, superuser, books_agree):
    shop.stock(3)
    held = shop.hold(2, ttl_seconds=10, reference="web-7")
    shop.pass_time(seconds=10)
    if swept:
        shop.sweep()
    answer = shop.extend(held, 60)
    assert (answer.status, answer.replaces, answer.reference) == ("held", held.id, "web-7")
    assert answer.id != held.id
    assert [line.quantity for line in answer.lines] == [2]
    assert shop.show(held).status == "expired"
    assert shop.show(answer) == answer
    assert shop.states() == {"available": 1, "reserved": 2}
    assert superuser("SELECT actor FROM reservations.hold WHERE replaces IS NOT NULL") == [(TESTER.ref,)]
    books_agree()


@pytest.mark.parametrize("swept", [True, False])
def test_what_was_let_go_before_expiry_is_not_held_anew(shop, swept, books_agree):
    a, b = shop.items[:2]
    shop.stock(9, a)
    shop.stock(9, b)
    held = shop.hold({a.sku: 5, b.sku: 1}, ttl_seconds=10)
    shop.do("release", held, [(1, 2), (2, 1)])
    shop.pass_time(seconds=10)
    if swept:
        shop.sweep()
    assert [(line.sku, line.quantity) for line in shop.extend(held, 60).lines] == [(a.sku, 3)]
    books_agree()


@pytest.mark.parametrize("swept", [True, False])
def test_extending_after_expiry_is_refused_when_the_units_are_promised_by_now(shop, swept, books_agree):
    shop.stock(2)
    held = shop.hold(2, ttl_seconds=10)
    shop.pass_time(seconds=10)
    if swept:
        shop.sweep()
        shop.hold(1)
    else:
        shop.set_policy("buffer", 1, item_id=shop.item.id)
    refused = shop.extend(held, 60)
    assert isinstance(refused, OutOfStock)
    assert refused.shortfalls == (Shortfall(1, shop.sku, "A1", 2, 1),)
    assert shop.show(held).status == "expired"
    books_agree()


def test_a_hold_is_held_anew_once(shop, books_agree):
    shop.stock(5)
    held = shop.hold(ttl_seconds=10)
    shop.pass_time(seconds=10)
    twice = [Extension(held.id, 60), Extension(held.id, 60)]
    first, second = shop.run(lambda s, now: services.extend(s, twice, by=TESTER, now=now))
    third = shop.extend(held, 60)
    assert isinstance(first, Hold)
    assert (second.reason, third.reason) == ("replaced", "replaced")
    assert str(first.id) in third.detail
    assert shop.states() == {"available": 4, "reserved": 1}
    books_agree()


def test_what_is_confirmed_or_settled_is_not_extended(shop):
    shop.stock(2)
    firm, gone = shop.firm(), shop.hold()
    shop.do("release", gone)
    assert (shop.extend(firm).reason, shop.extend(gone).reason) == ("settled", "settled")


def test_an_item_that_is_no_longer_stocked_is_not_held_anew(shop, transact, books_agree):
    shop.stock(1)
    held = shop.hold(ttl_seconds=10)
    transact(lambda s, now: update_items(s, [ItemChange(shop.sku, active=False)], by=TESTER, now=now))
    shop.pass_time(seconds=10)
    refused = shop.extend(held, 60)
    assert isinstance(refused, NotAllowed)
    assert (refused.reason, shop.sku in refused.detail) == ("expired", True)
    assert shop.states() == {"available": 1}
    books_agree()


def test_a_list_of_extensions_costs_the_same_whatever_its_length(shop, statements):
    shop.stock(1_000)
    shop.hold(location="A1")  # whatever is read once per process
    counts = set()
    for length in (2, 10, 200):
        holds = shop.ask(*[shop.wish({shop.sku: 1}, ttl_seconds=60 + 60 * (n % 2)) for n in range(length)])
        shop.pass_time(seconds=60)
        asked = [Extension(one.id, 600) for one in holds]
        with statements() as seen:
            answers = shop.run(lambda s, now, a=asked: services.extend(s, a, by=TESTER, now=now))
        assert [answer.replaces is None for answer in answers] == [n % 2 == 1 for n in range(length)]
        counts.add(len(seen))
    assert len(counts) == 1, counts
