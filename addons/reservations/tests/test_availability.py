"""Available to promise: the shelf less the buffer, per place or over all of a channel's, never below nothing."""

import pytest
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_items
from onhand_reservations.services.availability import Asked, read_promisable


@pytest.fixture
def atp(shop, program):
    """`atp(*items, at=("A1",))`: what the shop may promise, as (sku, location, units)."""

    def ask(*items, at=()):
        query = {"channel": shop.channel.code, "sku": [item.sku for item in items or shop.items[:1]], "location": at}
        answer = program.get("/availability", **query)
        assert answer.status_code == 200, answer.text
        return [(one["sku"], one.get("location"), one["available_to_promise"]) for one in answer.json["items"]]

    return ask


def test_it_is_summed_over_the_channels_places_or_told_for_each(shop, atp):
    shop.stock(3)
    shop.stock(4, store=shop.stores[1])
    assert atp() == [(shop.sku, None, 7)]
    assert atp(at=["A2", "A1"]) == [(shop.sku, "A2", 4), (shop.sku, "A1", 3)]


def test_what_is_held_is_not_promised_again(shop, atp):
    shop.stock(5)
    held = shop.hold(2)
    assert atp() == [(shop.sku, None, 3)]
    shop.do("release", held)
    assert atp() == [(shop.sku, None, 5)]


def test_buffers_are_kept_back_at_each_place_and_never_borrowed_from_another(shop, atp):
    shop.set_policy("buffer", 3, entity_id=shop.entity.id)
    shop.stock(5)
    shop.stock(1, store=shop.stores[1])
    assert atp(at=["A1", "A2"]) == [(shop.sku, "A1", 2), (shop.sku, "A2", 0)]
    assert atp() == [(shop.sku, None, 2)]


def test_what_is_told_can_be_held_and_one_more_cannot(shop, atp):
    shop.set_policy("buffer", 2, item_id=shop.item.id)
    shop.stock(7)
    [(_, _, units)] = atp(at=["A1"])
    assert shop.try_hold({shop.sku: units + 1}, location="A1").shortfalls[0].available == units
    assert shop.hold(units, location="A1")
    assert atp(at=["A1"]) == [(shop.sku, "A1", 0)]


def test_items_come_in_the_order_asked_for_and_what_was_never_stocked_has_none(shop, atp):
    a, b, c = shop.items[:3]
    shop.stock(1, a)
    shop.stock(2, c)
    assert atp(c, b, a) == [(c.sku, None, 2), (b.sku, None, 0), (a.sku, None, 1)]


def test_another_channels_buffer_does_not_count(shop, atp):
    other = shop.run(lambda s, now: make_channel(s, now, shop.entity.id, shop.store.id, code="web-other"))
    shop.set_policy("buffer", 5, channel_id=other.id)
    shop.stock(5)
    assert atp() == [(shop.sku, None, 5)]


def test_unknown_items_are_named_beside_the_known(shop, program):
    shop.stock(1)
    answer = program.get("/availability", channel="web-a", sku=[shop.sku, "nope", "nope"])
    assert answer.json["unknown"] == ["nope"]
    assert [one["sku"] for one in answer.json["items"]] == [shop.sku]
    assert answer.json["as_of"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"channel": "web-a"}, 422),
        ({"sku": "x"}, 422),
        ({"channel": "web-a", "sku": ["x"] * 201}, 422),
        ({"channel": "web-a", "sku": "x", "location": ["A1"] * 201}, 422),
        ({"channel": "nope", "sku": "x"}, 404),
        ({"channel": "web-b", "sku": "x"}, 404),
        ({"channel": "web-a", "sku": "x", "location": "nope"}, 404),
        ({"channel": "web-a", "sku": "x", "location": "B1"}, 404),
    ],
)
def test_asked_for_wrongly_it_is_refused(shop, other_shop, program, query, status):
    assert program.get("/availability", **query).status_code == status


def test_a_token_of_all_entities_does_not_mix_them(shop, other_shop, program_of):
    everywhere = program_of(None, "reservations.read")
    query = {"channel": "web-a", "sku": shop.sku}
    assert everywhere.get("/availability", **query, location="B1").status_code == 404
    assert everywhere.get("/availability", **query, location="A1").status_code == 200


def test_200_items_cost_as_many_statements_as_one(shop, program, statements, transact):
    many = [item.sku for item in transact(lambda s, now: make_items(s, now, 200))]
    program.get("/availability", channel="web-a", sku=many, location=["A1", "A2"])  # read once per process
    counts = set()
    for skus in (many[:1], many[:10], many):
        with statements() as seen:
            answer = program.get("/availability", channel="web-a", sku=skus, location=["A1", "A2"])
        assert len(answer.json["items"]) == 2 * len(skus)
        counts.add(len(seen))
    assert len(counts) == 1, counts


def test_several_who_ask_at_once_are_told_what_each_would_be_told_alone(shop, transact, statements):
    """Those who want the same items at the same places share a statement; nobody else's items or places get in between."""
    for number, item in enumerate(shop.items[:4], 1):
        shop.stock(number, item)
        shop.stock(10 * number, item, store=shop.stores[1])
    first, second = (store.id for store in shop.stores[:2])
    a, b, c, d = shop.items[:4]
    asked = [
        Asked(shop.channel, items, places)
        for items, places in [
            ((a, b), (first, second)), ((b, a), (second, first)), ((c, b), (first, second)), ((d,), (first, second)),
            ((c,), (first,)), ((), (first,)), ((a, a), (first, second)),
        ]
    ]  # fmt: skip
    alone = [transact(lambda session, now, one=one: read_promisable(session, [one], now=now)[0]) for one in asked]
    with statements() as seen:
        together = transact(lambda session, now: read_promisable(session, asked, now=now))
    assert together == alone
    assert together[:4] == [[1, 10, 2, 20], [20, 2, 10, 1], [3, 30, 2, 20], [4, 40]]
    assert sum("atp.read" in one for one in seen) == 5, "a and b and c; b and a the other way; d; c at one; none"
