"""In whatever order the webhooks of an order come, and however often, it ends in one state."""

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand_channels.api import channels_by_code
from onhand_shopify import services
from onhand_shopify.mapping import events_of
from onhand_shopify.testing import TESTER
from onhand_shopify.values import Known

TIME = "2026-01-05T08:00:00Z"
KNOWN = Known({11: "S1", 12: "S2"}, {}, {})
numbers = count(10)


def line(id_, sku, quantity):
    return {"id": id_, "sku": sku, "quantity": quantity, "variant_id": 1}


def webhooks(order):
    """The story of one order: two parcels from two locations, a unit cancelled, a unit brought back, the rest cancelled."""
    ordered = [line(1, "TEA", 5), line(2, "COFFEE", 2)]
    cancelled = {"id": order + 1, "order_id": order, "created_at": TIME, "refund_line_items": [
        {"id": 1, "line_item_id": 1, "quantity": 1, "restock_type": "cancel", "line_item": line(1, "TEA", 5)},
    ]}  # fmt: skip
    returned = {"id": order + 2, "order_id": order, "created_at": TIME, "refund_line_items": [
        {"id": 2, "line_item_id": 1, "quantity": 1, "restock_type": "return", "location_id": 11, "line_item": line(1, "TEA", 5)},
        {"id": 3, "line_item_id": 1, "quantity": 1, "restock_type": "no_restock", "line_item": line(1, "TEA", 5)},
    ]}  # fmt: skip
    parcels = [
        {"id": order + 3, "order_id": order, "status": "success", "created_at": TIME, "location_id": 11, "line_items": [line(1, "TEA", 2)]},
        {"id": order + 4, "order_id": order, "status": "success", "created_at": TIME, "location_id": 12, "line_items": [line(1, "TEA", 1)]},
    ]  # fmt: skip
    whole = {"id": order, "created_at": TIME, "line_items": ordered}
    return [
        ("orders/create", whole), ("refunds/create", cancelled), ("refunds/create", returned),
        ("fulfillments/create", parcels[0]), ("fulfillments/update", parcels[0]), ("fulfillments/create", parcels[1]),
        ("orders/cancelled", {**whole, "cancelled_at": TIME, "refunds": [cancelled], "fulfillments": parcels}),
    ]  # fmt: skip


LINES = "SELECT line, ordered, cancelled, fulfilled, returned FROM channels.order_line WHERE order_reference = %s ORDER BY 1"
ENDS = [("1", 5, 2, 3, 1), ("2", 2, 2, 0, 0)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    story=st.lists(st.integers(0, 6), max_size=6).flatmap(lambda again: st.permutations([*range(7), *again])),
    cut=st.integers(1, 12),
)
def test_an_order_ends_in_one_state(world, shop, transact, superuser, story, cut):
    import json

    order = next(numbers) * 100
    told = webhooks(order)

    def keep(session, now, some, start):
        for n, which in enumerate(some, start):
            topic, payload = told[which]
            services.keep(session, world.channel.id, f"{order}-{n}", topic, json.dumps(payload).encode(), now=now)
        [channel] = channels_by_code(session, ["web-1"])
        services.take(session, channel, services.waiting(session, channel.id, levels_until=now), by=TESTER, now=now)

    before = world.states()["available"], world.states(location=world.s2)["available"]
    transact(lambda session, now: keep(session, now, story[:cut], 0))
    transact(lambda session, now: keep(session, now, story[cut:], cut))
    assert superuser(LINES, str(order)) == ENDS
    after = world.states()["available"], world.states(location=world.s2)["available"]
    assert (before[0] - after[0], before[1] - after[1]) == (2, 1)


def test_the_same_body_always_tells_the_same_under_the_same_names():
    for topic, payload in webhooks(100):
        import json

        body = json.dumps(payload).encode()
        first, again = (events_of(topic, body, webhook_id, "web-1", KNOWN) for webhook_id in ("a", "b"))
        assert first == again
        assert first
