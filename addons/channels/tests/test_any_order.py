"""Events arrive in any order, late and more than once; what they add up to is always the same."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand_channels.testing import deliver, event, make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import states_of

BEGIN = datetime.now(UTC) - timedelta(hours=1)
NOUNS = ("order", "cancellation", "shipment", "return", "receipt", "sale")
STORY = st.lists(
    st.tuples(st.sampled_from(NOUNS), st.sampled_from("12"), st.integers(1, 9), st.sampled_from(["o-1", "o-2"])),
    min_size=1,
    max_size=8,
)


def tell(transact, entity, story, deliveries):
    """Deliver a story's events, given by number, batch by batch, to a shop of their own; return what it came to."""

    def open_shop(session, now):
        shop, items = make_location(session, now, entity.id), [make_item(session, now, entity.id) for _ in "12"]
        return shop, items, make_channel(session, now, entity.id, shop.id)

    shop, items, channel = transact(open_shop)
    events = [
        event(
            channel, noun, [{"sku": items[int(which) - 1].sku, "quantity": quantity, "line": which}],
            location=shop.code, order=order, id=f"e-{number}", time=BEGIN + timedelta(seconds=number),
        )
        for number, (noun, which, quantity, order) in enumerate(story)
    ]  # fmt: skip
    for numbers in deliveries:
        batch = [events[number] for number in numbers]
        transact(lambda session, now: deliver(session, now, channel, *batch))  # noqa: B023 - called at once

    def look(session, now):
        lines = session.connection().exec_driver_sql(
            "SELECT order_reference, line, ordered, cancelled, fulfilled, returned FROM channels.order_line"
            f" WHERE channel_id = {channel.id} ORDER BY 1, 2"
        )
        return [tuple(row) for row in lines], [states_of(session, entity.id, shop.id, item.id) for item in items]

    return transact(look)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(story=STORY, data=st.data())
def test_any_order_and_any_repetition_of_events_end_in_one_state(transact, entities, story, data):
    numbers = range(len(story))
    some = data.draw(st.lists(st.lists(st.sampled_from(numbers), max_size=5), max_size=6), label="deliveries")
    rest = data.draw(st.permutations(numbers), label="and what is left")
    expected = tell(transact, entities[0], story, [list(numbers)])
    assert tell(transact, entities[0], story, [*some, rest]) == expected


def test_the_facts_of_an_order_line_add_up(transact, entities):
    story = [
        ("order", "1", 5, "o-1"),
        ("cancellation", "1", 2, "o-1"),
        ("shipment", "1", 3, "o-1"),
        ("return", "1", 1, "o-1"),
    ]
    lines, states = tell(transact, entities[0], story, [[3, 3, 2], [0, 1, 0]])
    assert lines == [("o-1", "1", 5, 2, 3, 1)]
    assert states == [{"shortage": 3, "customer_returned": 1}, {}]
