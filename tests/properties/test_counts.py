"""Late facts against counts: in all 720 orders of five facts and a count the book ends alike, and as the count says."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from onhand_channels.testing import event
from onhand_reservations.testing import TESTER
from onhand_stock.api import Count, count
from onhand_stock.services.doubts import still_true
from onhand_stock.testing import receive

from properties.effort import effort
from properties.orders import SIX, deliver_all, happen, on_hand_of, variants_of

CHANGES = {"sale": -1, "shipment": -1, "receipt": 1, "return": 1}
facts = st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(1, 4), st.booleans())
COUNT = SIX - 1
POSITIONS = "SELECT item_id, max(id) FROM stock.movement WHERE item_id = ANY(%s) GROUP BY item_id"


@effort(3)
@given(five=st.lists(facts, min_size=SIX - 1, max_size=SIX - 1), stocked=st.integers(1, 8), counted=st.integers(0, 12))
def test_five_facts_and_a_count_end_alike_in_any_order(shop, five, stocked, counted):
    """Facts with True occurred before the count, which saw them, whenever they are told."""
    items = shop.items(720)
    variants = variants_of(items)
    units = {item.id: stocked for item in items}
    counted_at = shop.run(lambda s, now: now) - timedelta(hours=1)
    long_ago = counted_at - timedelta(days=1)
    store = shop.stores[0]
    shop.run(lambda s, now: receive(s, now, shop.entity.id, store.id, units, occurred_at=long_ago) and None)
    position = dict(shop.superuser(POSITIONS, [item.id for item in items]))

    def act(which, whom):
        if which == COUNT:
            counts = [
                Count(shop.entity.id, one.item.id, store.id, counted, counted_at, position[one.item.id])
                for one in whom
            ]  # fmt: skip
            shop.run(lambda s, now: count(s, counts, by=TESTER, now=now, source="test") and None)
            return
        noun, quantity, is_before = five[which]
        moment = counted_at + timedelta(minutes=which + 1) * (-1 if is_before else 1)
        deliver_all(shop, [
            event(shop.channel, noun, {one.item.sku: quantity}, location="S1", order=one.order, time=moment)
            for one in whom
        ])  # fmt: skip

    happen(variants, act)
    books = on_hand_of(shop, variants)
    ends = {str(books[item.id]) for item in items}
    assert len(ends) == 1, ends
    found = counted - stocked
    seen = sum(CHANGES[noun] * quantity for noun, quantity, is_before in five if is_before)
    after = sum(CHANGES[noun] * quantity for noun, quantity, is_before in five if not is_before)
    explained = min(max(seen, min(found, 0)), max(found, 0))
    assert books[items[0].id][0] == counted + seen - explained + after
    ours = {item.id for item in items}  # other examples leave doubts of their own
    doubts = shop.run(lambda s, now: still_true(s, shop.entity.id, None, now))
    doubted = {cause.item_id: cause.quantity for cause in doubts if cause.item_id in ours}
    assert doubted == (dict.fromkeys(ours, abs(seen - explained)) if seen != explained else {})
    assert shop.differences() == []
