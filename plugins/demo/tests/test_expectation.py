from collections import Counter

from onhand_demo.events import Event
from onhand_demo.expectation import Expectation, unanswered
from onhand_demo.journal import Journal
from onhand_demo.stream import Batch, Stream
from onhand_demo.world import World


def event(world: World, kind: str, product: int, quantity: int, name: str = "e", **line: str) -> Event:
    at = next(iter(world.stores.values())).code
    named = line or {"sku": world.items[product].sku}
    return Event(
        name,
        f"onhand.{kind}.v1",
        "east-pos",
        1.0,
        {"location": at, "lines": [{**named, "quantity": quantity}]},
    )


def sellable(world: World) -> int:
    return next(product for product in world.items if product not in world.withheld)


def test_receipts_and_returns_add_what_sales_and_shipments_take_and_orders_move_nothing(world: World) -> None:
    product = sellable(world)
    facts = [("receipt", 10), ("sale", 3), ("shipment", 2), ("return", 1), ("order", 5), ("cancellation", 5)]
    events = [event(world, kind, product, quantity) for kind, quantity in facts]
    [(place, left)] = Expectation(world).on_hand(events).items()
    assert left == 6
    assert place[1] == world.items[product].sku


def test_an_item_is_the_same_by_sku_and_by_bar_code(world: World) -> None:
    product = sellable(world)
    events = [event(world, "receipt", product, 4), event(world, "sale", product, 4, gtin=world.items[product].gtin)]
    assert Expectation(world).on_hand(events) == {}


def test_what_stays_unknown_never_counts_and_what_is_mended_does(world: World) -> None:
    expectation = Expectation(world)
    hidden = next(product for product in world.withheld if product not in world.mended)
    late, known = event(world, "sale", world.mended[0], 1, "late"), event(world, "sale", sellable(world), 1, "known")
    never = event(world, "sale", hidden, 1, "never")
    assert not expectation.postable(late, mended=False)
    assert expectation.postable(late, mended=True)
    assert not expectation.postable(never, mended=True)
    journal = Journal()
    results = [{"outcome": outcome} for outcome in ("parked", "parked", "posted")]
    journal.batch([never, late, known], results, (0.0, 1.0), 1)
    assert Counter(expectation.of(journal).values()) == Counter([-1, -1])


def test_a_duplicate_answer_after_a_lost_one_means_posted_and_a_conflict_does_not(world: World) -> None:
    once, other = event(world, "sale", sellable(world), 1), event(world, "sale", sellable(world), 2)
    journal = Journal()
    journal.batch([other, once], [{"outcome": "conflict"}, {"outcome": "duplicate"}], (0.0, 1.0), 2)
    assert list(Expectation(world).of(journal).values()) == [-1]
    assert journal.conflicts == {("east-pos", "e")}


def test_an_event_without_an_answer_is_missed(world: World, stream: Stream) -> None:
    journal = Journal()
    batches = [task for task in (*stream.opening, *stream.tasks) if isinstance(task, Batch)]
    for task in batches[1:]:
        events = [envelope.event for envelope in task.envelopes]
        journal.batch(events, [{"outcome": "posted"}] * len(events), (0.0, 1.0), 1)
    missed = unanswered(stream, journal)
    assert missed == {(each.event.channel, each.event.id) for each in batches[0].envelopes}
