"""What goes wrong with promises is told with its numbers, and is asked for again: is it still true?"""

import sys
from pathlib import Path

import pytest
from onhand.addons.graph import Addon
from onhand.testing.distribution import addons_of
from onhand_reservations import services
from onhand_reservations.services import overdue, refusals

sys.path.append(str(Path(__file__).parent / "plugins"))


@pytest.fixture(scope="module")
def addons(request):
    """Reservations, and a partner's add-on that listens."""
    return [*addons_of(request.path), Addon("watcher", "onhand-watcher", "1", "watcher")]


@pytest.fixture
def heard(drain):
    """`heard()` hands over what was told and returns it: (kind, cause)."""
    from watcher.plugin import HEARD

    def listen():
        HEARD.clear()
        drain()
        return list(HEARD)

    HEARD.clear()
    return listen


@pytest.fixture
def still_refused(shop):
    return lambda keys=None: shop.run(lambda s, now: refusals.still_true(s, shop.entity.id, keys, now))


@pytest.fixture
def still_overdue(shop):
    return lambda keys=None: shop.run(lambda s, now: overdue.still_true(s, shop.entity.id, keys, now))


def tell_overdue(shop):
    return shop.run(lambda s, now: services.tell_overdue(s, [shop.entity.id], now=now))


def key_of(shop, item=None, store=None):
    return f"item:{(item or shop.item).id}@location:{(store or shop.store).id}"


def test_a_refusal_is_told_with_what_was_asked_for_and_where(shop, heard):
    shop.stock(1)
    shop.ask(shop.wish({shop.sku: 3}), shop.wish({shop.sku: 2}))
    [(kind, cause)] = heard()
    assert (kind, cause.key, cause.quantity) == ("reservation_refused", key_of(shop), 2)
    assert (cause.entity_id, cause.item_id, cause.location_id) == (shop.entity.id, shop.item.id, shop.store.id)
    assert cause.evidence["times"] == 2
    assert shop.sku in cause.title


def test_nothing_is_told_of_what_expired_holds_stand_behind(shop, heard, still_refused):
    shop.stock(1)
    shop.hold(ttl_seconds=1)
    shop.pass_time(seconds=1)
    assert shop.try_hold({shop.sku: 1}, location="A1").curable
    assert heard() == []
    assert still_refused() == []


def test_a_refusal_stays_true_until_what_was_asked_for_is_there(shop, still_refused):
    shop.stock(1)
    shop.try_hold({shop.sku: 3}, location="A1")
    assert [cause.key for cause in still_refused()] == [key_of(shop)]
    assert still_refused(["item:one@location:two"]) == [], "a key of somebody else's"
    shop.stock(1)
    assert [cause.quantity for cause in still_refused([key_of(shop)])] == [3]
    shop.stock(1)
    assert still_refused() == []
    assert still_refused([key_of(shop)]) == []


def test_the_buffer_counts_among_what_must_be_there(shop, still_refused):
    shop.set_policy("buffer", 2, item_id=shop.item.id)
    shop.stock(2)
    shop.try_hold({shop.sku: 1}, location="A1")
    assert len(still_refused()) == 1
    shop.stock(1)
    assert still_refused() == []


def test_only_the_causes_asked_for_are_answered(shop, still_refused):
    a, b = shop.items[:2]
    shop.try_hold({a.sku: 1, b.sku: 1}, location="A1")
    assert {cause.key for cause in still_refused()} == {key_of(shop, a), key_of(shop, b)}
    assert [cause.key for cause in still_refused([key_of(shop, b), "event:web-1/7", "hold:x"])] == [key_of(shop, b)]
    assert still_refused(["event:web-1/7"]) == []


def test_another_entitys_refusals_are_not_told_here(shop, other_shop, still_refused):
    other_shop.try_hold({shop.sku: 1}, location="B1")
    assert still_refused() == []


def test_an_overdue_hold_is_told_once(shop, heard):
    shop.stock(3)
    held = shop.firm(3, reference="web-1")
    shop.do("fulfil", held, [(1, 1)])
    shop.pass_time(seconds=86_399)
    assert tell_overdue(shop) == 0
    shop.pass_time(seconds=2)
    assert [tell_overdue(shop), tell_overdue(shop)] == [1, 0]
    [(kind, cause)] = heard()
    assert (kind, cause.key, cause.quantity) == ("hold_overdue", f"hold:{held.id}", 2)
    assert (cause.item_id, cause.location_id) == (shop.item.id, shop.store.id)
    assert cause.evidence["reference"] == "web-1"


def test_how_long_a_hold_may_wait_is_its_channels_policy(shop):
    shop.set_policy("overdue_seconds", 10, entity_id=shop.entity.id)
    shop.set_policy("overdue_seconds", 60, channel_id=shop.channel.id)
    shop.stock(1)
    shop.firm()
    shop.pass_time(seconds=11)
    assert tell_overdue(shop) == 0
    shop.pass_time(seconds=60)
    assert tell_overdue(shop) == 1


@pytest.mark.parametrize("end", ["fulfil", "release"])
def test_an_overdue_hold_is_true_until_it_is_settled(shop, still_overdue, end):
    shop.stock(2)
    held, other = shop.firm(), shop.firm()
    shop.pass_time(days=2)
    tell_overdue(shop)
    assert {cause.key for cause in still_overdue()} == {f"hold:{held.id}", f"hold:{other.id}"}
    shop.do(end, held)
    assert still_overdue([f"hold:{held.id}"]) == []
    assert [cause.key for cause in still_overdue()] == [f"hold:{other.id}"]


def test_what_is_only_held_is_never_overdue(shop):
    shop.stock(1)
    shop.hold()
    shop.pass_time(days=30)
    assert tell_overdue(shop) == 0


def test_a_hold_of_several_items_names_none_of_them(shop, heard):
    a, b = shop.items[:2]
    shop.stock(1, a)
    shop.stock(1, b)
    shop.firm({a.sku: 1, b.sku: 1})
    shop.pass_time(days=2)
    tell_overdue(shop)
    [(_, cause)] = heard()
    assert (cause.item_id, cause.quantity) == (None, 2)
