"""Replay: what was parked is carried out once what it lacked is mended, with its own time."""

from datetime import UTC, datetime, timedelta

from onhand_channels.api import replay
from onhand_channels.testing import TESTER, deliver, event, make_channel
from onhand_master_data.testing import make_item, make_location


def try_again(shop, ids=None):
    return shop.transact(lambda session, now: replay(session, shop.till, ids, by=TESTER, now=now))


def test_an_event_is_posted_once_its_item_is_entered(shop, transact, superuser):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    told = shop.event("sale", {"NEW": 2}, id="s-1", time=yesterday)
    assert shop.outcomes(told) == ["parked"]
    assert [one.outcome for one in try_again(shop)] == ["parked"]
    new = transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    assert [(one.id, one.outcome) for one in try_again(shop)] == [("s-1", "posted")]
    assert shop.states(new) == {"shortage": 2}
    [(outcome, reason, detail, occurred_at, kept_at, posted_at)] = superuser(
        "SELECT outcome, reason, detail, occurred_at, recorded_at, posted_at FROM channels.event"
    )
    assert (outcome, reason, detail, occurred_at) == ("posted", None, None, yesterday)
    assert kept_at < posted_at
    assert superuser("SELECT occurred_at FROM stock.movement WHERE source_event = 's-1'") == [(yesterday,)]
    assert try_again(shop) == []
    assert shop.outcomes(told) == ["duplicate"]
    assert shop.states(new) == {"shortage": 2}
    assert shop.differences() == []


def test_only_those_named_are_tried(shop, transact):
    shop.tell(*(shop.event("sale", {"NEW": 1}, id=f"s-{n}") for n in range(3)))
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    assert [(one.id, one.outcome) for one in try_again(shop, ["s-1", "unheard of"])] == [("s-1", "posted")]
    assert [one.id for one in try_again(shop)] == ["s-0", "s-2"]


def test_what_stays_parked_gets_todays_reason(shop, transact, superuser):
    shop.tell(shop.event("sale", {"NEW": 1}, location="S2"))
    transact(lambda session, now: make_location(session, now, shop.entity.id, code="S2"))
    assert [one.problem["type"] for one in try_again(shop)] == ["/problems/unknown-item"]
    assert superuser("SELECT reason, detail FROM channels.event") == [("unknown_item", "there is no active item 'NEW'")]


def test_another_channels_events_are_left_alone(shop, transact):
    other = transact(lambda session, now: make_channel(session, now, shop.entity.id, code="till-2"))
    told = event(other, "sale", {"NEW": 1}, location="S1")
    transact(lambda session, now: deliver(session, now, other, told))
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    assert try_again(shop) == []


def test_an_event_of_the_future_is_posted_when_its_time_has_come(shop, transact, superuser):
    soon = datetime.now(UTC) + timedelta(minutes=10)
    shop.tell(shop.event("sale", {"TEA": 1}, time=soon))
    assert superuser("SELECT reason, occurred_at FROM channels.event") == [("time_in_future", None)]
    later = soon + timedelta(minutes=1)
    [answer] = transact(lambda session, _: replay(session, shop.till, None, by=TESTER, now=later))
    assert answer.outcome == "posted"
    assert superuser("SELECT occurred_at FROM channels.event") == [(soon,)]


def test_replay_costs_the_same_whatever_its_length(shop, transact, statements):
    counts = []
    for size in (1, 200):
        shop.tell(*(shop.event("sale", {f"NEW-{size}": 1}) for n in range(size)))
        transact(lambda session, now: make_item(session, now, shop.entity.id, sku=f"NEW-{size}"))  # noqa: B023
        with statements() as seen:
            assert {one.outcome for one in try_again(shop)} == {"posted"}
        counts.append(len(seen))
    assert counts[0] == counts[1]
