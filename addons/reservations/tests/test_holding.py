"""Holding: all lines or none, first come first served, above the buffer, from the first place that covers a line."""

from datetime import timedelta

import pytest
from onhand_reservations.values import Hold, OutOfStock, Shortfall, Unknown


def test_what_is_held_is_reserved_and_no_longer_available(shop, books_agree):
    shop.stock(5)
    held = shop.hold(3, reference="web-1")
    assert (held.status, held.reference) == ("held", "web-1")
    assert [(line.line, line.sku, line.location, line.quantity) for line in held.lines] == [(1, shop.sku, "A1", 3)]
    assert shop.states() == {"available": 2, "reserved": 3}
    books_agree()


def test_of_two_that_want_the_last_unit_the_first_in_the_list_gets_it(shop, books_agree):
    shop.stock(1)
    first, second = shop.ask(shop.wish({shop.sku: 1}, location="A1"), shop.wish({shop.sku: 1}, location="A1"))
    assert isinstance(first, Hold)
    assert second.shortfalls == (Shortfall(1, shop.sku, "A1", 1, 0),)
    assert shop.states() == {"reserved": 1}
    books_agree()


def test_a_request_holds_all_of_its_lines_or_none_and_names_what_is_short(shop, books_agree):
    a, b, c = shop.items[:3]
    shop.stock(5, a)
    shop.stock(1, b)
    refused = shop.try_hold({a.sku: 2, b.sku: 2, c.sku: 1}, location="A1")
    assert refused.shortfalls == (Shortfall(2, b.sku, "A1", 2, 1), Shortfall(3, c.sku, "A1", 1, 0))
    assert shop.states(a) == {"available": 5}
    assert not refused.curable
    books_agree()


def test_two_lines_of_one_request_that_name_the_same_item_share_what_there_is(shop, books_agree):
    shop.stock(3)
    refused = shop.try_hold([(shop.sku, 2), (shop.sku, 2)], location="A1")
    assert refused.shortfalls == (Shortfall(2, shop.sku, "A1", 2, 1),)
    held = shop.hold([(shop.sku, 2), (shop.sku, 1)], location="A1")
    assert [line.quantity for line in held.lines] == [2, 1]
    assert shop.states() == {"reserved": 3}
    books_agree()


def test_a_refused_request_takes_nothing_from_the_next(shop):
    shop.stock(2)
    answers = shop.ask(*[shop.wish({shop.sku: units}, location="A1") for units in (3, 2)])
    assert [type(answer) for answer in answers] == [OutOfStock, Hold]


def test_a_line_without_location_takes_the_first_place_that_covers_it_whole(shop, books_agree):
    shop.stock(2)
    shop.stock(5, store=shop.stores[1])
    assert [line.location for line in shop.hold(3).lines] == ["A2"]
    assert [line.location for line in shop.hold(2).lines] == ["A1"]
    refused = shop.try_hold({shop.sku: 3})
    assert isinstance(refused, OutOfStock)
    assert refused.shortfalls[0].location == "A1"
    books_agree()


def test_the_lines_of_one_request_may_come_from_different_places(shop):
    a, b = shop.items[:2]
    shop.stock(1, a)
    shop.stock(1, b, shop.stores[1])
    assert [line.location for line in shop.hold({a.sku: 1, b.sku: 1}).lines] == ["A1", "A2"]


def test_what_one_request_of_a_list_was_given_is_not_there_for_the_next(shop, books_agree):
    shop.stock(2)
    shop.stock(2, store=shop.stores[1])
    answers = shop.ask(*[shop.wish({shop.sku: 2}) for _ in range(3)])
    assert [type(answer) for answer in answers] == [Hold, Hold, OutOfStock]
    assert [answer.lines[0].location for answer in answers[:2]] == ["A1", "A2"]
    books_agree()


def test_a_place_that_covers_a_line_only_below_its_buffer_is_passed_over(shop):
    shop.set_policy("buffer", 2, location_id=shop.store.id)
    shop.stock(3)
    shop.stock(3, store=shop.stores[1])
    assert shop.hold(2).lines[0].location == "A2"
    assert shop.hold(1).lines[0].location == "A1"


def test_no_hold_leaves_a_place_below_its_buffer(shop, books_agree):
    shop.set_policy("buffer", 4, entity_id=shop.entity.id)
    shop.stock(6)
    refused = shop.try_hold({shop.sku: 3}, location="A1")
    assert refused.shortfalls == (Shortfall(1, shop.sku, "A1", 3, 2),)
    assert shop.hold(2, location="A1").status == "held"
    books_agree()


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((), 1),
        (("entity",), 2),
        (("entity", "channel"), 3),
        (("entity", "channel", "location"), 4),
        (("channel", "location", "item"), 5),
        (("entity", "item"), 5),
    ],
)
def test_the_most_specific_buffer_counts(shop, places, expected):
    ids = {
        "entity": {"entity_id": shop.entity.id},
        "channel": {"channel_id": shop.channel.id},
        "location": {"location_id": shop.store.id},
        "item": {"item_id": shop.item.id},
    }
    values = {"entity": 2, "channel": 3, "location": 4, "item": 5}
    shop.set_policy("buffer", 1)
    for place in places:
        shop.set_policy("buffer", values[place], **ids[place])
    shop.stock(10)
    assert shop.try_hold({shop.sku: 11 - expected}, location="A1").shortfalls[0].available == 10 - expected
    assert shop.hold(10 - expected, location="A1").status == "held"


def test_a_hold_lives_as_long_as_its_channels_policy_says_unless_it_asks(shop):
    shop.stock(9)
    held = shop.run(lambda s, now: (shop_hold(s, now, shop), now))
    assert held[0].expires_at - held[1] == timedelta(seconds=900)
    shop.set_policy("ttl_seconds", 60, entity_id=shop.entity.id)
    shop.set_policy("ttl_seconds", 30, channel_id=shop.channel.id)
    held = shop.run(lambda s, now: (shop_hold(s, now, shop), now))
    assert held[0].expires_at - held[1] == timedelta(seconds=30)
    held = shop.run(lambda s, now: (shop_hold(s, now, shop, ttl_seconds=45), now))
    assert held[0].expires_at - held[1] == timedelta(seconds=45)


def shop_hold(session, now, shop, **more):
    from onhand_reservations.testing import hold_units

    return hold_units(session, now, shop.channel, {shop.sku: 1}, **more)


@pytest.mark.parametrize("ttl", [0, -1, 61, 10**30])
def test_a_time_to_live_beyond_the_policy_is_refused_by_name(shop, ttl):
    shop.stock(1)
    shop.set_policy("ttl_seconds_max", 60, channel_id=shop.channel.id)
    answer = shop.try_hold({shop.sku: 1}, ttl_seconds=ttl)
    assert isinstance(answer, Unknown)
    assert [error[0] for error in answer.errors] == ["ttl_seconds"]
    assert shop.states() == {"available": 1}


def test_what_is_unknown_is_named_by_its_line(shop, other_shop):
    shop.stock(1)
    lines = [(shop.sku, 1), ("nope", 1)]
    assert shop.try_hold(lines).errors == (("lines[1].sku", "no such active item is stocked by this entity", "nope"),)
    foreign = shop.try_hold({shop.sku: 1}, location="B1")
    assert foreign.errors == (("lines[0].location", "no such active location", "B1"),)
    assert shop.states() == {"available": 1}


def test_a_request_that_names_something_unknown_does_not_stop_the_others_of_its_list(shop):
    shop.stock(2)
    answers = shop.ask(shop.wish({shop.sku: 1}), shop.wish({"nope": 1}), shop.wish({shop.sku: 1}))
    assert [type(answer) for answer in answers] == [Hold, Unknown, Hold]


@pytest.mark.parametrize("lines", [1, 5])
def test_a_list_costs_the_same_whatever_its_length(shop, statements, lines):
    counts = set()
    for item in shop.items:
        shop.stock(5_000, item)
    shop.hold({item.sku: 1 for item in shop.items})  # whatever is read once per process
    for length in (1, 10, 200):
        wishes = [shop.wish({item.sku: 1 for item in shop.items[:lines]}) for _ in range(length)]
        with statements() as seen:
            assert all(isinstance(answer, Hold) for answer in shop.ask(*wishes))
        counts.add(len(seen))
    assert len(counts) == 1, counts


def test_a_list_of_refusals_costs_the_same_whatever_its_length(shop, statements):
    shop.try_hold({item.sku: 1 for item in shop.items})  # whatever is read once per process
    counts = set()
    for length in (1, 10, 200):
        wishes = [shop.wish({shop.items[number % 6].sku: 1}) for number in range(length)]
        with statements() as seen:
            assert all(isinstance(answer, OutOfStock) for answer in shop.ask(*wishes))
        counts.add(len(seen))
    assert len(counts) == 1, counts
