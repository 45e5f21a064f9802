"""Shipments draw on what was promised to their own order, and its promise ends with them; never on another's."""

import pytest
from onhand_channels.testing import deliver, event, make_channel
from onhand_stock.api import history


def lines(hold):
    return [(line.quantity, line.fulfilled, line.released) for line in hold.lines]


def drawn(shop):
    """Where each shipment of the item took its units from, the latest first."""
    entries = shop.run(lambda s, _: history(s, [shop.entity.id], shop.item.id))
    return [(one.from_state, one.quantity) for one in entries if one.kind == "ship"]


def test_a_shipment_draws_on_its_orders_hold_and_ends_its_promise(shop, books_agree):
    shop.stock(5)
    held = shop.firm(2, reference="web-1")
    assert shop.tell("shipment", {shop.sku: 2}, order="web-1") == "posted"
    assert shop.states() == {"available": 3}
    assert drawn(shop) == [("reserved", 2)]
    assert (shop.show(held).status, lines(shop.show(held))) == ("fulfilled", [(2, 2, 0)])
    books_agree()


def test_a_hold_that_was_never_confirmed_serves_its_shipment_too(shop, books_agree):
    shop.stock(2)
    held = shop.hold(2, reference="web-1")
    shop.tell("shipment", {shop.sku: 2}, order="web-1")
    assert shop.show(held).status == "fulfilled"
    assert drawn(shop) == [("reserved", 2)]
    books_agree()


def test_parts_are_shipped_one_after_the_other(shop, books_agree):
    shop.stock(3)
    held = shop.firm(3, reference="web-1")
    shop.tell("shipment", {shop.sku: 1}, order="web-1")
    assert (shop.show(held).status, lines(shop.show(held))) == ("confirmed", [(3, 1, 0)])
    books_agree()
    shop.tell("shipment", {shop.sku: 2}, order="web-1")
    assert (shop.show(held).status, lines(shop.show(held))) == ("fulfilled", [(3, 3, 0)])
    books_agree()


def test_more_than_was_promised_is_taken_from_the_shelf_and_then_from_shortage(shop, books_agree):
    shop.stock(4)
    held = shop.firm(2, reference="web-1")
    shop.tell("shipment", {shop.sku: 5}, order="web-1")
    assert drawn(shop) == [("shortage", 1), ("available", 2), ("reserved", 2)]
    assert shop.states() == {"shortage": 1}
    assert shop.show(held).status == "fulfilled"
    books_agree()


def test_a_shipment_never_draws_on_another_orders_hold(shop, books_agree):
    shop.stock(2)
    held = shop.firm(2, reference="web-1")
    shop.tell("shipment", {shop.sku: 1}, order="web-2")
    assert drawn(shop) == [("shortage", 1)]
    assert shop.states() == {"reserved": 2, "shortage": 1}
    assert lines(shop.show(held)) == [(2, 0, 0)]
    books_agree()


def test_a_sale_at_the_till_draws_on_no_hold(shop, books_agree):
    shop.stock(2)
    shop.firm(2)
    shop.tell("sale", {shop.sku: 1})
    assert shop.states() == {"reserved": 2, "shortage": 1}
    books_agree()


def test_the_same_reference_of_another_channel_is_another_order(shop, books_agree):
    shop.stock(2)
    pos = shop.run(lambda s, now: make_channel(s, now, shop.entity.id, shop.store.id))
    held = shop.firm(2, reference="1")
    shop.tell("shipment", {shop.sku: 1}, order="1", channel=pos)
    assert drawn(shop) == [("shortage", 1)]
    assert lines(shop.show(held)) == [(2, 0, 0)]
    books_agree()


def test_what_is_promised_at_one_place_does_not_serve_a_shipment_from_another(shop, books_agree):
    shop.stock(1)
    shop.stock(1, store=shop.stores[1])
    held = shop.firm(1, reference="web-1", location="A1")
    shop.tell("shipment", {shop.sku: 1}, order="web-1", store=shop.stores[1])
    assert (shop.states(), shop.states(store=shop.stores[1])) == ({"reserved": 1}, {})
    assert shop.show(held).status == "confirmed"
    books_agree()


@pytest.mark.parametrize("swept", [True, False])
def test_an_expired_hold_only_takes_the_first_step_away(shop, swept, books_agree):
    shop.stock(3)
    held = shop.hold(2, reference="web-1", ttl_seconds=10)
    shop.pass_time(seconds=10)
    if swept:
        shop.sweep()
    shop.tell("shipment", {shop.sku: 2}, order="web-1", time=held.expires_at)
    assert drawn(shop) == ([("available", 2)] if swept else [("shortage", 1), ("available", 1)])
    shop.sweep()
    assert shop.show(held).status == "expired"
    assert shop.states() == {"available": 1}
    books_agree()


def test_of_two_shipments_of_one_order_in_one_batch_the_first_is_served_from_its_hold(shop, books_agree):
    shop.stock(5)
    held = shop.firm(3, reference="web-1")
    told = [event(shop.channel, "shipment", {shop.sku: 2}, location="A1", order="web-1") for _ in range(2)]
    outcomes = shop.run(lambda s, now: deliver(s, now, shop.channel, *told))
    assert [one.outcome for one in outcomes] == ["posted", "posted"]
    assert drawn(shop) == [("available", 1), ("reserved", 1), ("reserved", 2)]
    assert shop.show(held).status == "fulfilled"
    books_agree()


def test_an_order_with_two_holds_uses_up_the_older_first(shop, books_agree):
    shop.stock(4)
    older, newer = shop.firm(2, reference="web-1"), shop.firm(2, reference="web-1")
    shop.tell("shipment", {shop.sku: 3}, order="web-1")
    assert (lines(shop.show(older)), lines(shop.show(newer))) == ([(2, 2, 0)], [(2, 1, 0)])
    books_agree()


def test_two_lines_of_the_same_item_are_used_up_in_turn(shop, books_agree):
    shop.stock(4)
    held = shop.firm([(shop.sku, 1), (shop.sku, 2)], reference="web-1")
    shop.tell("shipment", {shop.sku: 2}, order="web-1")
    assert lines(shop.show(held)) == [(1, 1, 0), (2, 1, 0)]
    books_agree()


def test_a_shipment_told_twice_moves_once(shop, books_agree):
    shop.stock(3)
    held = shop.firm(3, reference="web-1")
    for outcome in ("posted", "duplicate"):
        assert shop.tell("shipment", {shop.sku: 1}, order="web-1", id="s-1", time="2026-01-05T12:00:00Z") == outcome
    assert lines(shop.show(held)) == [(3, 1, 0)]
    books_agree()


def test_a_shipment_by_event_after_a_part_was_fulfilled_at_the_door_draws_on_the_rest(shop, books_agree):
    shop.stock(3)
    held = shop.firm(2, reference="web-1")
    shop.do("fulfil", held, [(1, 1)])
    shop.tell("shipment", {shop.sku: 1}, order="web-1")
    assert shop.show(held).status == "fulfilled"
    assert shop.states() == {"available": 1}
    books_agree()


def test_a_batch_costs_the_same_however_many_orders_it_ships(shop, statements):
    shop.stock(1_001)
    shop.tell("shipment", {shop.sku: 1}, order="first")  # whatever is read once per process
    counts = set()
    for length in (1, 10, 200):
        orders = [f"web-{length}-{number}" for number in range(length)]
        shop.ask(*[shop.wish({shop.sku: 1}, reference=order) for order in orders])
        told = [event(shop.channel, "shipment", {shop.sku: 1}, location="A1", order=order) for order in orders]
        with statements() as seen:
            outcomes = shop.run(lambda s, now, told=told: deliver(s, now, shop.channel, *told))
        assert {one.outcome for one in outcomes} == {"posted"}
        counts.add(len(seen))
    assert len(counts) == 1, counts
    assert shop.states() == {"available": 1_000 - 211}
