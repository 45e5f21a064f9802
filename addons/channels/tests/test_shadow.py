"""Shadow: what a channel tells before it is live is kept and reported on, and moves nothing. Suspended, it is parked."""

import pytest
from onhand_channels.api import Advance, Advanced, advance, channels_by_code, replay
from onhand_channels.testing import TESTER, event, make_channel
from onhand_master_data.testing import make_item

MOVED = """
SELECT (SELECT count(*) FROM stock.movement), (SELECT sum(available + customer_returned + shortage) FROM stock.balance),
  (SELECT count(*) FROM channels.order_line), (SELECT count(*) FROM onhand.outbox)
"""


@pytest.fixture
def pilot(transact, shop):
    """A proposed channel that sells from the shop."""
    return transact(
        lambda session, now: make_channel(
            session, now, shop.entity.id, shop.location.id, code="pilot", state="proposed"
        )
    )


@pytest.fixture
def bring(transact, superuser):
    """Bring a channel to a state past the checklist, and return it."""

    def to(code, *states):
        for state in states:
            superuser("UPDATE channels.channel SET state = %s WHERE code = %s", state, code)
        return transact(lambda session, now: channels_by_code(session, [code]))[0]

    return to


def day(channel, **more):
    """One of everything a channel may tell."""
    return [
        event(channel, "order", {"TEA": 2}, order="o-1"),
        event(channel, "sale", {"TEA": 90}, location="S1"),
        event(channel, "shipment", {"TEA": 20}, location="S1", order="o-1"),
        event(channel, "receipt", {"TEA": 5}, location="S1"),
        event(channel, "return", {"TEA": 1}, location="S1"),
        event(channel, "cancellation", {"TEA": 1}, order="o-1"),
        event(channel, "sale", {"NEW": 1}, location="S1"),
    ]


@pytest.mark.parametrize("states", [(), ("assessed",), ("assessed", "approved")])
def test_a_shadow_moves_nothing_and_a_live_one_does(shop, pilot, bring, superuser, states):
    pilot = bring("pilot", *states)
    before = superuser(MOVED)
    answers = shop.tell(*day(pilot), channel=pilot)
    assert [one.outcome for one in answers] == ["shadowed"] * 7
    assert answers[6].problem["type"] == "/problems/unknown-item"
    assert superuser(MOVED) == before
    assert shop.outcomes(*day(shop.till)) == ["posted"] * 6 + ["parked"]  # the control: the same, from a live one
    assert superuser(MOVED) != before
    assert shop.differences() == []


def test_the_report_says_what_would_have_been_posted(shop, pilot, superuser):
    told = day(pilot)
    shop.tell(*told, channel=pilot)
    lines = superuser("""
        SELECT l.event_id, l.kind, i.sku, p.code, l.quantity, l.shortage FROM channels.shadow_line l
        JOIN master_data.item i ON i.id = l.item_id LEFT JOIN master_data.location p ON p.id = l.location_id
    """)
    assert sorted(line[1:] for line in lines) == sorted([
        ("order", "TEA", None, 2, 0), ("sale", "TEA", "S1", 90, 0), ("ship", "TEA", "S1", 20, 10),
        ("receipt", "TEA", "S1", 5, 0), ("return_receipt", "TEA", "S1", 1, 0), ("cancellation", "TEA", None, 1, 0),
    ])  # fmt: skip
    kept = superuser("SELECT outcome, reason, posted_at FROM channels.event WHERE event_id = %s", told[6]["id"])
    assert kept == [("shadowed", "unknown_item", None)]
    assert shop.differences() == []


def test_what_is_foreseen_is_what_a_live_channel_posts(shop, pilot, superuser):
    batch = [("sale", 60), ("receipt", 10), ("sale", 70), ("return", 3), ("sale", 5)]
    shop.tell(*(event(pilot, noun, {"TEA": n}, location="S1") for noun, n in batch), channel=pilot)
    foreseen = superuser("SELECT kind, sum(quantity - shortage), sum(shortage) FROM channels.shadow_line GROUP BY 1")
    shop.tell(*(event(shop.till, noun, {"TEA": n}, location="S1") for noun, n in batch))
    posted = superuser("""
        SELECT kind, sum(quantity) FILTER (WHERE from_state <> 'shortage'),
          coalesce(sum(quantity) FILTER (WHERE from_state = 'shortage'), 0)
        FROM stock.movement WHERE source = 'till-1' GROUP BY 1
    """)
    assert sorted(foreseen) == sorted(posted)


def test_a_shadow_raises_no_exception(shop, pilot, superuser, drain):
    shop.tell(*day(pilot, time="2020-01-01T00:00:00Z"), channel=pilot)
    drain()
    assert superuser("SELECT count(*) FROM onhand.outbox") == [(0,)]


def test_a_shadowed_event_is_kept_once(shop, pilot):
    told = event(pilot, "sale", {"TEA": 1}, location="S1", id="x")
    other = {**told, "data": {"location": "S1", "lines": [{"sku": "TEA", "quantity": 2}]}}
    assert shop.outcomes(told, channel=pilot) == ["shadowed"]
    assert shop.outcomes(told, other, channel=pilot) == ["duplicate", "conflict"]


def test_what_was_shadowed_counts_only_if_it_is_replayed(shop, pilot, bring, transact):
    shop.tell(*day(pilot), channel=pilot)
    assert transact(lambda session, now: replay(session, pilot, None, by=TESTER, now=now, outcome="shadowed")) == []
    live = bring("pilot", "assessed", "approved", "live")
    assert transact(lambda session, now: replay(session, live, None, by=TESTER, now=now)) == []
    assert shop.states() == {"available": 100}
    answers = transact(lambda session, now: replay(session, live, None, by=TESTER, now=now, outcome="shadowed"))
    assert sorted(one.outcome for one in answers) == ["parked"] + ["posted"] * 6
    assert shop.states() == {"shortage": 5, "customer_returned": 1}
    assert transact(lambda session, now: replay(session, live, None, by=TESTER, now=now, outcome="shadowed")) == []
    assert shop.differences() == []


def test_a_suspended_channels_events_are_parked_and_replayed_when_it_resumes(shop, transact, superuser):
    def step(state):
        [answer] = transact(
            lambda session, now: advance(session, [Advance("till-1", state, "fraud")], by=TESTER, now=now)
        )
        assert isinstance(answer, Advanced)
        return transact(lambda session, now: channels_by_code(session, ["till-1"]))[0]

    stopped = step("suspended")
    [answer] = shop.tell(shop.event("sale", {"TEA": 1}), channel=stopped)
    assert (answer.outcome, answer.problem["type"]) == ("parked", "/problems/channel-suspended")
    [answer] = transact(lambda session, now: replay(session, stopped, None, by=TESTER, now=now))
    assert answer.outcome == "parked"
    assert shop.states() == {"available": 100}
    resumed = step("live")
    [answer] = transact(lambda session, now: replay(session, resumed, None, by=TESTER, now=now))
    assert answer.outcome == "posted"
    assert shop.states() == {"available": 99}


def test_a_retired_channels_events_are_refused_and_not_kept(shop, bring, transact, superuser):
    parked = shop.event("sale", {"NEW": 1})
    shop.tell(parked)
    gone = bring("till-1", "suspended", "retired")
    answers = shop.tell(shop.event("sale", {"TEA": 1}, id="late"), b"{}", channel=gone)
    assert [(one.id, one.outcome, one.problem["type"]) for one in answers] == [
        ("late", "refused", "/problems/channel-retired"), (None, "refused", "/problems/channel-retired"),
    ]  # fmt: skip
    assert "channel 'till-1' is retired" in answers[0].problem["detail"]
    assert superuser("SELECT event_id FROM channels.event") == [(parked["id"],)]
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    [answer] = transact(lambda session, now: replay(session, gone, None, by=TESTER, now=now))
    assert (answer.outcome, answer.problem["type"]) == ("parked", "/problems/channel-retired")


def test_shadowing_costs_the_same_whatever_the_batch_and_live_channels_nothing(shop, pilot, statements):
    shop.tell(event(pilot, "sale", {"TEA": 1}, location="S1"), channel=pilot)  # the catalogue is read once
    counts = []
    for size in (1, 400):
        batch = [event(pilot, "sale", {"TEA": 1}, location="S1") for _ in range(size)]
        with statements() as seen:
            shop.tell(*batch, channel=pilot)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    with statements() as seen:
        shop.tell(shop.event("sale", {"TEA": 1}))
    assert not [one for one in seen if "shadows." in str(one)]
