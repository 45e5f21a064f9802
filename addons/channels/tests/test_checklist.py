"""The checklist: judged by code, item by item; a step is taken when all of it is fulfilled, and not before."""

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_channels.api import Advance, ChannelChange, advance, change_channels, channels_by_code, checklist
from onhand_channels.testing import TESTER, event, make_channel, name_onhand
from onhand_master_data.api import LocationChange, update_locations


@pytest.fixture
def pilot(transact, shop):
    """A proposed channel without anything."""
    return transact(lambda session, now: make_channel(session, now, shop.entity.id, code="pilot", state="proposed"))


@pytest.fixture
def look(transact, pilot):
    """The checklist as it is now: what is not fulfilled, and why."""

    def unmet():
        def command(session, now):
            [channel] = channels_by_code(session, ["pilot"])
            return checklist(session, [channel], now=now)[channel.id]

        return {one.name: one.detail for one in transact(command) if not one.is_fulfilled}

    return unmet


@pytest.fixture
def mend(transact, pilot, shop):
    """Fulfil one item, or several."""

    def set_it(policy, value):
        where = Where(channel_id=pilot.id, entity_id=pilot.entity_id)
        transact(lambda session, now: set_policy(session, policy, value, where, by=TESTER, now=now))

    def locations():
        change = ChannelChange("pilot", locations=("S1",))
        transact(lambda session, now: change_channels(session, [change], by=TESTER, now=now))

    def shadow(count=10, sku="TEA"):
        shop.tell(*(event(pilot, "sale", {sku: 1}, location="S1") for _ in range(count)), channel=pilot)

    def authority():
        transact(lambda session, now: name_onhand(session, pilot.entity_id, now))

    ways = {
        "authority": authority,
        "locations": locations,
        "latency": lambda: set_it("channels.latency_seconds_max", 60),
        "plan": lambda: set_it("channels.degradation_plan", "raise_buffer"),
        "shadow": shadow,
    }

    def do(*names, **more):
        for name in names:
            ways[name](**more)

    do.set = set_it
    return do


def test_each_item_says_what_is_missing_until_it_is_mended(look, mend):
    assert look() == {
        "locations": "it sells from no location",
        "authority": "nobody is named for: Stock ledger, Order promising",
        "latency": "nobody has set how late it may tell",
        "degradation": "nobody has chosen what is done while it is not well",
        "shadow": "0 of 10 test events told",
    }
    mend("locations")
    mend("authority")
    mend("latency")
    mend("plan")
    mend("shadow", count=9)
    assert look() == {"shadow": "9 of 10 test events told"}
    mend("shadow", count=1)
    assert look() == {}


def test_what_is_unknown_counts_against_it_until_the_newest_are_clean(look, mend):
    mend("locations", "authority", "latency", "plan", "shadow")
    mend("shadow", count=2, sku="NEW")
    assert look() == {
        "items": "2 of its newest events name an item that is not known or not stocked",
        "shadow": "2 of the newest 10 have a problem",
    }
    mend("shadow", count=10)
    assert look() == {}


def test_how_many_test_events_it_takes_is_a_policy(look, mend):
    mend("locations", "authority", "latency", "plan")
    mend.set("channels.shadow_events_min", 2)
    mend("shadow", count=2)
    assert look() == {}


def test_a_location_that_is_switched_off_counts_against_it(look, mend, transact):
    mend("locations", "authority", "latency", "plan", "shadow")
    off = [LocationChange("S1", active=False)]
    transact(lambda session, now: update_locations(session, off, by=TESTER, now=now))
    assert look() == {"locations": "1 of its 1 locations are inactive"}


def test_no_step_to_live_is_taken_before_all_of_it_is_fulfilled(look, mend, transact, superuser):
    def step(to):
        return transact(lambda session, now: advance(session, [Advance("pilot", to)], by=TESTER, now=now))[0]

    mend("locations", "authority", "latency", "plan")
    for done, to in enumerate(("assessed", "approved", "live")):
        refused = step(to)
        assert (refused.reason, [check.name for check in refused.unmet][-1]) == ("not_ready", "shadow")
        assert "Test events passed in shadow" in refused.detail
        mend("shadow")
        assert step(to).to == to
        if to != "live":
            mend("shadow", count=1, sku=f"NEW-{done}")  # judged anew at every step
    kept = superuser("SELECT to_state, checks FROM channels.lifecycle_step WHERE from_state IS NOT NULL ORDER BY id")
    assert [to for to, _ in kept] == ["assessed", "approved", "live"]
    assert all(check["is_fulfilled"] for _, checks in kept for check in checks)


def test_to_suspend_and_to_resume_asks_no_checklist(shop, transact):
    for to in ("suspended", "live"):
        step = Advance("till-1", to, "fraud")
        [answer] = transact(lambda session, now: advance(session, [step], by=TESTER, now=now))  # noqa: B023
        assert answer.to == to


def test_checklists_cost_the_same_for_many_channels(shop, transact, statements):
    def many(size):
        return [
            transact(lambda session, now: make_channel(session, now, shop.entity.id, state="proposed"))
            for _ in range(size)
        ]

    first = many(1)
    transact(lambda session, now: checklist(session, first, now=now))  # registries are read once
    counts = []
    for size in (1, 20):
        channels = many(size)
        with statements() as seen:
            transact(lambda session, now: checklist(session, channels, now=now))  # noqa: B023
        counts.append(len(seen))
    assert counts[0] == counts[1]
