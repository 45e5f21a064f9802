"""With reservations: what a shop has sold is held until it is shipped, and nobody else is promised it."""

import json
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand_channels.api import channels_by_code, standing_gaps
from onhand_channels.testing import deliver, event, make_channel
from onhand_shopify import jobs, services
from onhand_shopify import settings as rules
from onhand_shopify.testing import TESTER
from onhand_stock.testing import differences, receive

pytest.importorskip("onhand_reservations")

T1, C2 = (1, "TEA"), (2, "COFFEE")
HELD = "SELECT status, detail FROM shopify.order_hold ORDER BY order_reference"
numbers = count(10)


@pytest.fixture(scope="module")
def addons():
    return with_requirements({"shopify", "reservations"})


def test_an_order_is_held_until_it_is_shipped_and_what_is_cancelled_let_go(
    world, shop, drain, order, parcel, refund, superuser
):
    world.send("orders/create", order({T1: 5, C2: 1}))
    drain()
    assert (world.states(), world.states(world.coffee)) == (
        {"available": 95, "reserved": 5},
        {"available": 49, "reserved": 1},
    )
    world.send("refunds/create", refund(1, {T1: (2, "cancel", None)}))
    world.send("fulfillments/create", parcel(7, {T1: 2, C2: 1}))
    drain()
    assert (world.states(), world.states(world.coffee)) == ({"available": 97, "reserved": 1}, {"available": 49})
    world.send("fulfillments/create", parcel(8, {T1: 1}, location=12))
    drain()
    assert world.states() == {"available": 98}, "shipped from elsewhere: the promise here ends"
    assert world.states(location=world.s2) == {"available": 99}
    assert superuser("SELECT status FROM reservations.hold") == [("fulfilled",)]


def test_what_cannot_be_held_is_told_and_held_once_it_is_there(world, shop, app, drain, order, transact, superuser):
    world.send("orders/create", order({T1: 101}))
    drain()
    assert [(status, "101 of TEA" in detail) for status, detail in superuser(HELD)] == [("unheld", True)]
    look = lambda session, now: [one.key for one in services.unheld_standing(session, world.entity.id, None, now)]  # noqa: E731
    assert transact(look) == ["shopify_order:web-1:1"]
    assert (
        transact(lambda s, now: len(services.unheld_standing(s, world.entity.id, ["shopify_order:web-1:1"], now))) == 1
    )
    transact(lambda session, now: receive(session, now, world.entity.id, world.s1.id, {world.tea.id: 1}) and None)
    with app.app_context():
        jobs.hold_again([world.entity.id])
    drain()
    assert superuser(HELD) == [("held", None)]
    assert world.states() == {"reserved": 101}
    assert transact(look) == []


def test_an_order_that_the_channel_parked_is_held_when_it_is_replayed(
    world, shop, app, drain, order, transact, superuser
):
    from onhand_channels.api import replay
    from onhand_master_data.testing import make_item

    world.send("orders/create", order({(1, "NEW"): 2}))
    drain()
    assert superuser(HELD) == [("waiting", None)]
    new = transact(lambda session, now: make_item(session, now, world.entity.id, sku="NEW"))
    transact(lambda session, now: receive(session, now, world.entity.id, world.s1.id, {new.id: 3}) and None)
    transact(lambda session, now: replay(session, world.channel, None, by=TESTER, now=now))
    with app.app_context():
        jobs.hold_again([world.entity.id])
    drain()
    assert world.states(new) == {"available": 1, "reserved": 2}


def test_nothing_is_held_where_the_policy_says_so(world, shop, drain, order, transact, superuser):
    where = Where(channel_id=world.channel.id, entity_id=world.entity.id)
    transact(lambda session, now: set_policy(session, rules.HOLD_ORDERS, False, where, by=TESTER, now=now) and None)
    world.send("orders/create", order({T1: 5}))
    drain()
    assert (world.states(), superuser(HELD)) == ({"available": 100}, [])


def test_what_the_shop_sold_is_offered_nowhere_else_and_is_no_gap(
    world, shop, bring, drain, order, transact, superuser
):
    other = transact(lambda s, now: make_channel(s, now, world.entity.id, world.s1.id, code="till"))
    bring()
    assert shop.levels[101, 11] == 100
    shop.levels[101, 11] -= 3  # Shopify takes an order, and counts down
    world.send("orders/create", order({T1: 3}))
    drain()
    transact(lambda s, now: deliver(s, now, other, event(other, "sale", {"TEA": 10}, location="S1")))
    bring()
    assert shop.levels[101, 11] == 87
    assert world.states() == {"available": 87, "reserved": 3}
    assert transact(lambda s, now: standing_gaps(s, world.entity.id, now=now)) == []
    assert superuser("SELECT in_flight FROM channels.feed_key WHERE acknowledged_quantity = 87") == [(0,)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.permutations([0, 1, 2, 3, 0, 1, 2, 3]), cut=st.integers(1, 7), whole=st.booleans())
def test_in_whatever_order_they_come_what_is_held_is_what_is_waited_for(
    world, shop, transact, drain, superuser, refund, parcel, order, story, cut, whole
):
    """Five ordered, one cancelled, two shipped from here and one from elsewhere: one is waited for, or none."""
    number = next(numbers) * 100
    told = [
        ("orders/create", {**order({T1: 5 if whole else 4}), "id": number}),
        ("refunds/create", {**refund(number, {T1: (1, "cancel", None)}), "order_id": number}),
        ("fulfillments/create", {**parcel(number + 1, {T1: 2}), "order_id": number}),
        ("fulfillments/create", {**parcel(number + 2, {T1: 1}, location=12), "order_id": number}),
    ]  # fmt: skip

    def keep(session, now, some, start):
        for n, which in enumerate(some, start):
            topic, payload = told[which]
            services.keep(session, world.channel.id, f"{number}-{n}", topic, json.dumps(payload).encode(), now=now)
        [channel] = channels_by_code(session, ["web-1"])
        jobs.have_taken(session, channel.entity_id, "web-1")

    before, there = world.states(), world.states(location=world.s2)
    for some, start in ((story[:cut], 0), (story[cut:], cut)):
        transact(lambda session, now, some=some, start=start: keep(session, now, some, start))
        drain()
    after = world.states()
    assert after.get("reserved", 0) - before.get("reserved", 0) == (1 if whole else 0)
    assert before["available"] - after["available"] == (3 if whole else 2)
    assert there["available"] - world.states(location=world.s2)["available"] == 1
    assert transact(differences) == []
    transact(lambda session, now: receive(session, now, world.entity.id, world.s1.id, {world.tea.id: 10}) and None)
