from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from onhand_demo.events import Event
from onhand_demo.opening import demand, stock_up
from onhand_demo.options import Options
from onhand_demo.orders import DECK, UNPROMISED, Ending, Order, facts
from onhand_demo.retailer import EAST
from onhand_demo.stream import Batch, Stream, Wave, plan
from onhand_demo.world import World

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def batched(stream: Stream) -> Iterator[Event]:
    for task in stream.tasks:
        if isinstance(task, Batch):
            yield from (envelope.event for envelope in task.envelopes)


def waved(stream: Stream) -> list[Order]:
    return [order for task in stream.tasks if isinstance(task, Wave) for order in task.orders]


def at_home(order: Order) -> dict[str, str]:
    return {line.line: order.home for line in order.lines}


def test_one_seed_one_stream_to_the_byte(world: World, options: Options, stream: Stream) -> None:
    def sent(of: Stream) -> list[bytes]:
        return [
            envelope.stamped(NOW)
            for task in (*of.opening, *of.tasks)
            if isinstance(task, Batch)
            for envelope in task.envelopes
        ]

    assert sent(plan(world, options)) == sent(plan(world, options))
    assert sent(plan(world, Options(events=options.events, seed=1))) != sent(plan(world, options))


def test_tasks_are_in_time_order_and_every_batch_is_of_one_channel_and_at_most_a_thousand(
    stream: Stream, options: Options
) -> None:
    places = [task.place for task in stream.tasks]
    assert places == sorted(places)
    for task in (*stream.opening, *stream.tasks):
        if isinstance(task, Batch):
            assert {envelope.event.channel for envelope in task.envelopes} == {task.channel}
            assert len(task.envelopes) <= 1000


@pytest.mark.parametrize("mishap", ["duplicated", "shuffled", "late", "altered"])
def test_mishaps_happen_at_the_stated_rates(mishap: str, stream: Stream, options: Options) -> None:
    expected = getattr(options.rates, mishap) * stream.events
    assert expected * 0.7 - 5 <= getattr(stream, mishap) <= expected * 1.3 + 5
    assert getattr(stream, mishap) > 0


def test_ids_repeat_only_as_duplicates_and_altered_bodies(stream: Stream) -> None:
    copies = Counter((event.channel, event.id) for event in batched(stream))
    assert len(copies) == stream.events
    assert sum(copies.values()) - len(copies) == stream.duplicated + stream.altered
    bodies = {(event.channel, event.id, msgspec.json.encode(event.data)) for event in batched(stream)}
    assert len(bodies) - len(copies) == stream.altered


def test_a_repeated_event_is_the_same_bytes_whenever_it_is_sent(stream: Stream) -> None:
    batch = next(task for task in stream.tasks if isinstance(task, Batch))
    first = [envelope.stamped(NOW) for envelope in batch.envelopes]
    assert [envelope.stamped(datetime.now(UTC)) for envelope in batch.envelopes] == first


def test_time_is_the_sending_time_less_the_delay_and_the_original_time_stays(stream: Stream) -> None:
    batch = next(task for task in stream.tasks if isinstance(task, Batch))
    for envelope in plan_of(batch):
        sent = msgspec.json.decode(envelope)
        occurred = datetime.fromisoformat(sent["time"])
        assert occurred < NOW
        assert datetime.fromisoformat(sent["data"]["original_time"]).year == 2017


def plan_of(batch: Batch) -> Iterator[bytes]:
    return (envelope.stamped(NOW) for envelope in batch.envelopes)


def test_opening_stock_is_between_four_fifths_and_six_fifths_of_what_is_sold(stream: Stream, world: World) -> None:
    received = Counter[tuple[str, str]]()
    for batch in stream.opening:
        for envelope in batch.envelopes:
            for line in envelope.event.data["lines"]:
                received[envelope.event.data["location"], line["sku"]] += line["quantity"]
    known = {location.code for location in world.locations}
    first = {event.id: event for event in reversed(list(batched(stream)))}
    leaves = demand(world, first.values(), stream.orders)
    sold = {(code, world.items[product].sku): units for (code, product), units in leaves.items() if code in known}
    assert received.keys() == sold.keys()
    assert all(0.8 * units <= received[place] <= 1.2 * units for place, units in sold.items())
    assert any(received[place] < units for place, units in sold.items())


@pytest.mark.parametrize("sold", [1, 4, 5, 7, 100])
def test_stock_is_a_whole_number_within_the_share(sold: int) -> None:
    import random

    drawn = {stock_up(sold, random.Random(seed)) for seed in range(50)}
    assert all(0.8 * sold <= units <= 1.2 * sold for units in drawn)
    assert (len(drawn) > 1) == (sold >= 5)


def test_only_the_unlisted_store_and_the_withheld_products_are_unknown(stream: Stream, world: World) -> None:
    known = {location.code for location in world.locations}
    names = {name for item in world.items.values() for name in (item.sku, item.gtin)}
    unlisted = {event.data["location"] for event in batched(stream)} - known
    assert unlisted == {world.unlisted[1].code}
    named = {line.get("sku") or line["gtin"] for event in batched(stream) for line in event.data["lines"]}
    assert named <= names
    hidden = {world.items[product].sku for product in world.withheld}
    assert hidden.isdisjoint(line.sku for order in stream.orders for line in order.lines)


def test_no_line_of_an_order_ships_more_than_ordered_or_returns_more_than_shipped(stream: Stream) -> None:
    assert len(stream.orders) > 50
    for order in stream.orders:
        told: dict[str, Counter[str]] = {}
        for event in facts(order, at_home(order)):
            noun = event.type.split(".")[1]
            assert event.data["order"] == order.reference
            for line in event.data["lines"]:
                told.setdefault(noun, Counter())[line["line"]] += line["quantity"]
        ordered = Counter({line.line: line.quantity for line in order.lines})
        shipped, cancelled = told.get("shipment", Counter()), told.get("cancellation", Counter())
        assert told["order"] == ordered
        assert shipped + cancelled <= ordered
        assert told.get("return", Counter()) <= shipped


def test_every_ending_occurs_and_only_the_promising_entity_holds(stream: Stream) -> None:
    assert {order.ending for order in waved(stream)} == set(DECK)
    assert {order.channel.entity for order in waved(stream)} == {EAST}
    unpromised = [order for order in stream.orders if not order.promised]
    assert {order.ending for order in unpromised} <= set(UNPROMISED)
    events = {event.id for event in batched(stream)}
    assert {f"{order.reference}-order" for order in unpromised} <= events
    assert events.isdisjoint(f"{order.reference}-order" for order in waved(stream))


def test_an_order_in_parts_leaves_in_more_than_one_parcel_from_each_place_it_was_promised(
    stream: Stream,
) -> None:
    order = next(each for each in stream.orders if each.ending is Ending.SHIPPED_IN_PARTS and len(each.lines) > 3)
    served = {line.line: ("here", "there")[number % 2] for number, line in enumerate(order.lines)}
    parcels = [event.data for event in facts(order, served) if event.type == "onhand.shipment.v1"]
    assert len(parcels) >= 3
    for parcel in parcels:
        assert {served[line["line"]] for line in parcel["lines"]} == {parcel["location"]}
