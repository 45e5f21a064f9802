"""Fulfil against cancel: each unit's promise ends once, and whoever comes second is told."""

from collections import Counter

import pytest
from onhand_channels.testing import event
from onhand_reservations.testing import confirm_hold, hold_units

from races.callers import Ask


class TestControl:
    def test_naive_fulfilment_and_cancellation_both_end_the_same_promise(self, naive, superuser):
        superuser("INSERT INTO naive.balance VALUES (1, 0, 1)")
        superuser("INSERT INTO naive.hold VALUES (1, 1, 1, 'confirmed')")
        ends = [("fulfilled", "shipped"), ("released", "available")]
        assert naive(2, lambda twin, number: twin.end(1, *ends[number])) == [True, True]
        assert superuser("SELECT available, shipped FROM naive.balance") == [(1, 1)]


def test_fulfil_against_release_one_wins(world):
    world.stock(40)
    held = world.holds(40, firm=True)
    asks = [world.change(verb, one.id) for one in held for verb in ("fulfil", "release")]
    answers = world.storm(*asks)
    won = Counter()
    for place, one in enumerate(held):
        fulfilled, released = answers[2 * place : 2 * place + 2]
        assert {fulfilled.status, released.status} == {200, 409}
        won["fulfilled" if fulfilled.status == 200 else "released"] += 1
        assert world.status_of(one) == ("fulfilled" if fulfilled.status == 200 else "released")
    assert world.statuses() == dict(won)
    assert world.states() == ({"available": won["released"]} if won["released"] else {})
    world.check()


@pytest.mark.parametrize("verb", ["fulfil", "release"])
def test_many_take_parts_of_one_hold_and_no_unit_twice(world, verb):
    world.stock(30)
    held = world.run(lambda s, now: confirm_hold(s, now, hold_units(s, now, world.channel, {world.sku: 30})))
    part = {"lines": [{"line": 1, "quantity": 1}]}
    answers = world.storm(*[world.change(verb, held.id, part) for _ in range(48)])
    assert Counter(answer.status for answer in answers) == {200: 30, 409: 18}
    assert world.states() == ({} if verb == "fulfil" else {"available": 30})
    world.check()


def test_a_shipment_event_against_a_release_at_the_door(world, deadlocks):
    world.stock(20)
    held = world.holds(20, firm=True)
    asks = []
    for one in held:
        shipped = event(world.channel, "shipment", {world.sku: 1}, location="S1", order=one.reference)
        asks += [Ask("/events", shipped), world.change("release", one.id)]
    answers = world.storm(*asks)
    assert {answer.json["results"][0]["outcome"] for answer in answers[::2]} == {"posted"}
    released = [answer.status for answer in answers[1::2]].count(200)
    assert {answer.status for answer in answers[1::2]} <= {200, 409}
    # What was released first is on the shelf again when its shipment comes, which takes it from there.
    assert world.states() == {}
    assert world.statuses() == {name: n for name, n in (("fulfilled", 20 - released), ("released", released)) if n}
    assert deadlocks() == 0
    world.check()
