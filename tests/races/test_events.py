"""Events told twice, in other orders, by several senders at once: each counts once, and nobody waits in a circle."""

import random

import psycopg
from onhand_channels.testing import event

from races.callers import Ask


class TestControl:
    def test_naive_batches_in_opposite_order_deadlock(self, naive, deadlocks):
        ids = list(range(20))
        ends = naive(2, lambda twin, number: twin.take_in(ids if number else ids[::-1]))
        assert [type(end) for end in ends].count(psycopg.errors.DeadlockDetected) == 1
        assert deadlocks() == 1


def test_duplicate_batches_in_opposite_order(world, deadlocks, superuser):
    world.stock(1_000, *world.items)
    for _ in range(3):
        sales = [event(world.channel, "sale", {item.sku: 1}, location="S1") for item in world.items for _ in range(10)]
        answers = world.storm(*[Ask("/events", sales if number % 2 else sales[::-1]) for number in range(8)])
        outcomes = [result["outcome"] for answer in answers for result in answer.json["results"]]
        assert (outcomes.count("posted"), outcomes.count("duplicate")) == (100, 700)
    assert [world.states(item) for item in world.items] == [{"available": 970}] * 10
    assert superuser("SELECT count(*) FROM stock.movement WHERE kind = 'sale'") == [(300,)]
    assert deadlocks() == 0
    world.check()


def test_duplicated_and_shuffled_events_of_many_orders(world, deadlocks):
    """Senders shuffle; whatever arrives first, every order ends alike: held, shipped by its own hold, once."""
    rng = random.Random(7)
    world.stock(100)
    held = world.holds(30, firm=True)
    told = []
    for one in held:
        for noun, location in (("order", None), ("shipment", "S1")):
            told.append(event(world.channel, noun, {world.sku: 1}, location=location, order=one.reference))
    batches = []
    for _ in range(6):
        rng.shuffle(told)
        batches += [told[place : place + 10] for place in range(0, len(told), 10)]
    answers = world.storm(*[Ask("/events", batch) for batch in batches])
    outcomes = [result["outcome"] for answer in answers for result in answer.json["results"]]
    assert (outcomes.count("posted"), outcomes.count("duplicate")) == (60, 300)
    assert world.statuses() == {"fulfilled": 30}
    assert world.states() == {"available": 70}
    assert deadlocks() == 0
    world.check()
