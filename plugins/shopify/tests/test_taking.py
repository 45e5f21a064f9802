"""What webhooks come to: events of the channel, or a parked webhook that says what is missing."""

import pytest

T1, C2, L1, L2 = (1, "TEA"), (2, "COFFEE"), 11, 12
TIME = "2026-01-05T08:00:00-05:00"


def level(available, item=101, location=L1, at=TIME):
    return {"inventory_item_id": item, "location_id": location, "available": available, "updated_at": at}


def test_an_order_in_two_parcels_from_two_locations(world, shop, drain, lines, order, parcel, kept):
    world.send("orders/create", order({T1: 3, C2: 1}))
    world.send("fulfillments/create", parcel(7, {T1: 2}))
    world.send("fulfillments/create", parcel(8, {T1: 1, C2: 1}, location=L2))
    drain()
    assert lines() == [("1", "1", 3, 0, 3, 0), ("1", "2", 1, 0, 1, 0)]
    assert (world.states()["available"], world.states(location=world.s2)["available"]) == (98, 99)
    assert world.states(world.coffee, world.s2)["available"] == 49


def test_each_restock_type_means_what_shopify_says(world, shop, drain, lines, order, parcel, refund, kept):
    world.send("orders/create", order({T1: 3, C2: 2}))
    world.send("fulfillments/create", parcel(7, {T1: 3}))
    world.send("refunds/create", refund(1, {C2: (1, "cancel", None)}))
    world.send("refunds/create", refund(2, {T1: (1, "return", L1)}))
    world.send("refunds/create", refund(3, {T1: (2, "no_restock", None)}))
    world.send("refunds/create", refund(4, {T1: (2, "legacy_restock", L1)}))
    drain()
    assert lines() == [("1", "1", 3, 0, 3, 1), ("1", "2", 2, 1, 0, 0)]
    assert world.states() == {"available": 97, "customer_returned": 1}
    assert kept()["refunds/create", "parked", "restock_unclear"] == 1
    assert kept()["refunds/create", "nothing", None] == 1


def test_a_cancelled_order_and_its_refunds_cancel_each_unit_once(world, shop, drain, lines, order, refund):
    first, rest = refund(1, {T1: (1, "cancel", None)}), refund(2, {T1: (2, "cancel", None)})
    whole = order({T1: 3, C2: 2}, cancelled_at=TIME, refunds=[first, rest])
    for topic, payload in (
        ("orders/create", order({T1: 3, C2: 2})), ("refunds/create", first), ("orders/cancelled", whole),
        ("refunds/create", rest),
    ):  # fmt: skip
        world.send(topic, payload)
    drain()
    assert lines() == [("1", "1", 3, 3, 0, 0), ("1", "2", 2, 2, 0, 0)]


def test_a_parcel_that_waits_moves_nothing_and_one_undone_is_for_a_person(world, shop, drain, kept, parcel):
    world.send("fulfillments/create", parcel(7, {T1: 2}, status="pending"))
    drain()
    assert world.states()["available"] == 100
    world.send("fulfillments/update", parcel(7, {T1: 2}))
    world.send("fulfillments/update", parcel(7, {T1: 2}, tracking_number="1Z"))
    drain()
    assert world.states()["available"] == 98
    world.send("fulfillments/update", parcel(7, {T1: 2}, status="cancelled"))
    drain()
    assert kept()["fulfillments/update", "parked", "fulfilment_undone"] == 1


def test_what_no_stock_is_kept_of_is_left_out(world, shop, drain, lines, order):
    payload = order({T1: 1})
    payload["line_items"] += [
        {"id": 5, "quantity": 1, "sku": "GIFT", "gift_card": True},
        {"id": 6, "quantity": 1, "sku": None, "requires_shipping": False, "title": "Tip"},
    ]
    world.send("orders/create", payload)
    drain()
    assert lines() == [("1", "1", 1, 0, 0, 0)]


def test_an_unmapped_location_parks_until_it_is_mapped(world, shop, drain, kept, parcel, api, token, superuser):
    shop.locations[13] = "New street"
    program = api(token(world.entity, "shopify.read", "shopify.edit"))
    assert program.post("/api/v1/shopify/web-1/read").status_code == 202
    drain()
    for id_ in (7, 8):
        world.send("fulfillments/create", parcel(id_, {T1: 1}, location=13))
    drain()
    assert kept() == {("fulfillments/create", "parked", "unknown_location"): 2}
    assert program.get("/api/v1/shopify/web-1").json["unmapped"] == 1
    wish = {"locations": [{"shopify_id": 12, "location": None}, {"shopify_id": 13, "location": "S2"}]}
    assert program.patch("/api/v1/shopify/web-1/locations", json=wish).status_code == 200
    drain()
    assert kept() == {("fulfillments/create", "taken", None): 2}
    assert world.states(location=world.s2)["available"] == 98


def test_a_line_without_sku_parks_until_its_variant_has_one(world, shop, drain, kept, lines, order, api, token):
    payload = order({(1, None): 2})
    payload["line_items"][0]["variant_id"] = 1_103
    world.send("orders/create", payload)
    drain()
    assert kept() == {("orders/create", "parked", "sku_missing"): 1}
    shop.items[103] = "TEA"
    api(token(world.entity, "shopify.edit")).post("/api/v1/shopify/web-1/read")
    drain()
    assert lines() == [("1", "1", 2, 0, 0, 0)]


def test_an_unknown_sku_is_parked_and_shown_by_the_channel(world, shop, drain, kept, order, superuser):
    world.send("orders/create", order({(1, "NEW"): 2}))
    drain()
    assert superuser("SELECT detail FROM shopify.delivery") == [("1 parked",)]
    assert superuser("SELECT outcome, reason FROM channels.event") == [("parked", "unknown_item")]


def test_an_inventory_item_nobody_knows_is_asked_for(world, shop, at_once, drain, kept, superuser):
    world.send("inventory_levels/update", level(7))
    world.send("inventory_levels/update", level(-3, item=102))
    world.send("inventory_levels/update", level(None, item=102))
    world.send("inventory_levels/update", level(1, item=999))
    drain()
    assert kept() == {
        ("inventory_levels/update", "taken", None): 2, ("inventory_levels/update", "nothing", None): 1,
        ("inventory_levels/update", "parked", "unknown_item"): 1,
    }  # fmt: skip
    assert sorted(superuser("SELECT theirs FROM channels.stock_report")) == [(0,), (7,)]
    assert len(shop.calls) == 1, "all that were unknown at once"


def test_what_an_addon_fails_on_is_parked_and_harms_no_other(world, shop, drain, kept, order, monkeypatch, lines):
    from onhand_shopify.services import taking

    real = taking.take_in

    def fail(session, deliveries, **more):
        if any(b"order/2/" in bytes(event) for event in deliveries[0].events):
            raise RuntimeError("an add-on's fault")
        return real(session, deliveries, **more)

    monkeypatch.setattr(taking, "take_in", fail)
    world.send("orders/create", order({T1: 2}))
    world.send("orders/create", {**order({T1: 2}), "id": 2})
    drain()
    assert kept() == {("orders/create", "taken", None): 1, ("orders/create", "parked", "posting_failed"): 1}
    monkeypatch.undo()


@pytest.mark.parametrize("state", ["retired"])
def test_what_its_channel_refuses_is_parked(world, shop, drain, kept, order, superuser, state):
    superuser("UPDATE channels.channel SET state = 'suspended' WHERE code = 'web-1' RETURNING 1")
    superuser("UPDATE channels.channel SET state = %s WHERE code = 'web-1' RETURNING 1", state)
    world.send("orders/create", order({T1: 2}))
    drain()
    assert kept() == {("orders/create", "parked", "refused"): 1}


def test_its_own_number_waits_until_what_it_sold_is_told(world, shop, drain, kept, superuser):
    waits = "SELECT due_at - now() BETWEEN interval '20 s' AND interval '60 s' FROM onhand.job WHERE actor = 'shopify.take_deliveries'"
    for webhook_id in ("early", "late"):
        world.send("inventory_levels/update", level(7), webhook_id=webhook_id)
    drain()
    assert kept() == {("inventory_levels/update", "waiting", None): 2}
    assert superuser(waits) == [(True,)]
    superuser(
        "UPDATE shopify.delivery SET received_at = received_at - interval '61 s' WHERE webhook_id = 'early' RETURNING 1"
    )
    superuser("UPDATE onhand.job SET due_at = now() RETURNING 1")
    drain()
    assert superuser("SELECT webhook_id, outcome FROM shopify.delivery ORDER BY 1") == [
        ("early", "taken"),
        ("late", "waiting"),
    ]
    assert superuser(waits) == [(True,)], "the other is looked at when its time has come"
