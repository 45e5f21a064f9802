"""All 720 orders of any six events of an order end in one state: the book's, the order's, and the promise's."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from onhand_channels.testing import event
from onhand_reservations import services
from onhand_reservations.testing import TESTER, wish
from onhand_reservations.values import Change, Hold
from onhand_stock.testing import receive

from properties.effort import effort
from properties.orders import SIX, deliver_all, happen, on_hand_of, variants_of

NOUNS = ("order", "shipment", "cancellation", "return", "sale", "receipt")
facts = st.tuples(st.sampled_from(NOUNS), st.integers(1, 4))
ORDER_LINES = """
SELECT item_id, sum(ordered)::int, sum(cancelled)::int, sum(fulfilled)::int, sum(returned)::int
FROM channels.order_line WHERE item_id = ANY(%s) GROUP BY item_id
"""
OPEN_UNITS = """
SELECT l.item_id, sum(l.quantity - l.fulfilled - l.released)::int, min(h.status)
FROM reservations.hold_line l JOIN reservations.hold h ON h.id = l.hold_id WHERE l.item_id = ANY(%s) GROUP BY l.item_id
"""


@effort(3)
@given(six=st.lists(facts, min_size=SIX, max_size=SIX), stocked=st.integers(0, 6), held=st.integers(0, 4))
def test_six_events_of_an_order_end_alike_in_any_order(shop, six, stocked, held):
    items = shop.items(720)
    variants = variants_of(items)
    happened_at = shop.run(lambda s, now: now) - timedelta(hours=1)
    if stocked:
        units = {item.id: stocked for item in items}
        shop.run(lambda s, now: receive(s, now, shop.entity.id, shop.stores[0].id, units) and None)
    is_held = 0 < held <= stocked
    if is_held:
        hold_for(shop, variants, held)

    def act(which, whom):
        noun, quantity = six[which]
        location = None if noun in {"order", "cancellation"} else "S1"
        deliver_all(shop, [
            event(shop.channel, noun, {one.item.sku: quantity}, location=location, order=one.order,
                  time=happened_at + timedelta(minutes=which))
            for one in whom
        ])  # fmt: skip
        shop.drain()

    happen(variants, act)
    books = on_hand_of(shop, variants)
    ids = [item.id for item in items]
    told = {row[0]: row[1:] for row in shop.superuser(ORDER_LINES, ids)}
    promises = {row[0]: row[1:] for row in shop.superuser(OPEN_UNITS, ids)}
    total = {noun: sum(quantity for other, quantity in six if other == noun) for noun in NOUNS}
    orders = tuple(total[noun] for noun in ("order", "cancellation", "shipment", "return"))
    change = total["receipt"] + total["return"] - total["sale"] - total["shipment"]
    ends = {str(books.get(item.id)) for item in items}
    assert len(ends) == 1, ends
    assert books.get(ids[0], (0,))[0] == stocked + change
    assert {told.get(item.id, (0, 0, 0, 0)) for item in items} == {orders}
    left = max(held - total["shipment"] - total["cancellation"], 0) if is_held else None
    assert {promises.get(item.id, (None,))[0] for item in items} == {left}
    assert shop.differences() == []


def hold_for(shop, variants, quantity):
    """Hold and confirm for every variant's order."""

    def command(session, now):
        requests = [wish(shop.channel, {one.item.sku: quantity}, reference=one.order) for one in variants]
        holds = services.hold(session, requests, by=TESTER, now=now)
        assert all(isinstance(one, Hold) for one in holds)
        return services.confirm(session, [Change(one.id) for one in holds], by=TESTER, now=now)

    shop.run(command)
