"""Somebody else's add-on fails in the transaction: what it trips over is parked, everything else goes on."""

import pytest
from onhand.addons import Addon
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import event


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"channels", "exceptions"}), Addon("trip", "onhand-trip", "1", "trip")]


@pytest.fixture
def trip(shop):
    """The add-on that trips over coffee, until told otherwise."""
    from trip import plugin

    for memory in (plugin.DISLIKED, plugin.LETHAL, plugin.READINGS):
        memory.clear()
    plugin.DISLIKED.add(shop.coffee.id)
    yield plugin
    plugin.DISLIKED.clear()
    plugin.LETHAL.clear()


@pytest.mark.parametrize("size", [1, 3, 20, 21, 100])
def test_the_event_at_fault_is_parked_and_the_others_posted(send, shop, trip, kept, size):
    batch = [shop.event("sale", {"TEA": 1}) for _ in range(size)]
    batch[size // 2] = bad = shop.event("sale", {"TEA": 1, "COFFEE": 1})
    results = send(*batch)
    assert [one["id"] for one in results] == [one["id"] for one in batch]
    parked = [one for one in results if one["outcome"] != "posted"]
    assert [(one["id"], one["outcome"], one["problem"]["type"]) for one in parked] == [
        (bad["id"], "parked", "/problems/posting-failed")
    ]
    assert "hunter2" not in str(parked), "what an add-on says when it fails is for the logs"
    assert kept() == {("parked", "posting_failed"): 1} | ({("posted", None): size - 1} if size > 1 else {})
    assert shop.states() == {"available": 100 - (size - 1)}
    assert shop.states(shop.coffee) == {}
    assert shop.differences() == []


def test_several_at_fault_are_parked_and_duplicates_stay_duplicates(send, shop, trip):
    known = shop.event("sale", {"TEA": 1})
    send(known)
    batch = [shop.event("sale", {"COFFEE" if n % 3 else "TEA": 1}) for n in range(30)]
    results = send(known, *batch, {**known, "time": batch[0]["time"]}, {"id": "no event"})
    assert [one["outcome"] for one in results] == [
        "duplicate", *("parked" if n % 3 else "posted" for n in range(30)), "conflict", "refused",
    ]  # fmt: skip
    assert shop.states() == {"available": 89}


def test_what_failed_can_be_replayed_once_it_is_mended(api, token, send, shop, trip, kept):
    bad, unknown = shop.event("sale", {"COFFEE": 1}, id="z-1"), shop.event("sale", {"NONE": 1}, id="a-1")
    send(bad, unknown)
    clerk = api(token(shop.entity, "channels.replay"))
    again = clerk.post("/api/v1/channels/till-1/replay", json={}).json["results"]
    assert [(one["id"], one["outcome"]) for one in again] == [("a-1", "parked"), ("z-1", "parked")]
    assert kept() == {("parked", "posting_failed"): 1, ("parked", "unknown_item"): 1}
    trip.DISLIKED.clear()
    again = clerk.post("/api/v1/channels/till-1/replay", json={"ids": ["z-1"]}).json
    assert again == {"results": [{"id": "z-1", "outcome": "posted", "problem": None}], "next": None}
    assert shop.states(shop.coffee) == {"shortage": 1}
    assert send(bad)[0]["outcome"] == "duplicate"


def test_one_that_trips_when_replayed_keeps_no_other_from_being_posted(api, token, shop, trip, superuser):
    shop.tell(*(event("till-9", "sale", {"TEA": 1}, id=f"{n:03}") for n in range(30)))
    superuser("UPDATE channels.event SET body = replace(body, 'till-9', 'till-1')")
    superuser('UPDATE channels.event SET body = replace(body, \'"lines"\', \'"location":"S1","lines"\')')
    superuser("UPDATE channels.event SET body = replace(body, 'TEA', 'COFFEE') WHERE event_id = '017'")
    answer = api(token(shop.entity, "channels.replay")).post("/api/v1/channels/till-1/replay", json={})
    outcomes = {one["id"]: one["outcome"] for one in answer.json["results"]}
    assert outcomes == {f"{n:03}": "parked" if n == 17 else "posted" for n in range(30)}
    assert shop.states() == {"available": 71}


@pytest.mark.parametrize("size", [1, 50])
def test_a_database_connection_that_is_lost_parks_nothing(program, shop, trip, kept, size):
    batch = [shop.event("sale", {"TEA": 1}) for _ in range(size)]
    trip.LETHAL.add(shop.tea.id)
    answer = program.post("/api/v1/events", json=batch)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert not kept()
    trip.LETHAL.clear()
    assert program.post("/api/v1/events", json=batch).status_code == 200
    assert kept() == {("posted", None): size}


def test_a_type_of_an_add_on_is_read_and_handled_by_it(send, trip, shop):
    cool, hot = ({**event(shop.till, "x", []), "type": "trip.reading.v1", "data": {"degrees": n}} for n in (20, 120))
    results = send(cool, hot, {**cool, "id": "r-3", "data": {"degrees": "warm"}}, shop.event("sale", {"TEA": 1}))
    assert [one["outcome"] for one in results] == ["posted", "parked", "parked", "posted"]
    assert results[1]["problem"] == {"type": "/problems/too-hot", "title": "Too hot", "detail": "beyond the scale"}
    assert [(cool["id"], 20)] == trip.READINGS


@pytest.mark.disabled_in_b("trip")
def test_where_an_add_on_is_off_its_types_are_nobodys(trip, shop, transact, entities):
    from onhand_channels.testing import deliver, make_channel

    theirs = transact(lambda session, now: make_channel(session, now, entities[1].id, code="b-till"))
    told = {**event(theirs, "x", []), "type": "trip.reading.v1", "data": {"degrees": 20}}
    [answer] = transact(lambda session, now: deliver(session, now, theirs, told))
    assert (answer.outcome, answer.problem["type"]) == ("parked", "/problems/unhandled")
    assert trip.READINGS == []


def test_two_add_ons_that_claim_one_type_stop_the_start(addons, monkeypatch):
    from onhand.addons import Addons
    from onhand_channels.services import event_types_of
    from trip import plugin

    mine = plugin.event_types()
    monkeypatch.setattr(plugin, "read", mine[0].read)
    registry = Addons(addons)
    original = registry.gather_by_addon
    monkeypatch.setattr(registry, "gather_by_addon", lambda hook: [*original(hook), ("other", mine)])
    with pytest.raises(ValueError, match=r"trip\.reading\.v1"):
        event_types_of(registry)


def test_what_an_add_on_asks_of_channels_is_part_of_their_checklist(trip, shop, transact):
    from onhand_channels.api import Advance, advance, checklist
    from onhand_channels.testing import TESTER, make_channel

    pilot = transact(lambda session, now: make_channel(session, now, shop.entity.id, code="pilot", state="proposed"))

    def unmet():
        checks = transact(lambda session, now: checklist(session, [pilot], now=now)[pilot.id])
        return [one.name for one in checks if not one.is_fulfilled]

    trip.PICKY.add("pilot")
    assert unmet() == ["locations", "authority", "latency", "degradation", "shadow", "mood"]
    [stays] = transact(lambda session, now: advance(session, [Advance("pilot", "assessed")], by=TESTER, now=now))
    assert "mood" in [one.name for one in stays.unmet]
    trip.PICKY.clear()
    assert unmet() == ["locations", "authority", "latency", "degradation", "shadow"]
