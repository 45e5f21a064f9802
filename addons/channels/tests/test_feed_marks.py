"""What changed is marked once per channel, item and location, for channels that are fed; who posts pays nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from onhand.addons import Addon
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand_channels.services import advance, change_channels, degrade, feeding
from onhand_channels.services.feeding import marks
from onhand_channels.testing import TESTER, make_channel
from onhand_channels.values import Advance, ChannelChange, Degrade
from onhand_master_data.testing import make_location
from onhand_stock.testing import receive

DUE = "SELECT item_id, change_seq FROM channels.feed_key WHERE change_seq > settled_seq ORDER BY item_id"
SETTLE = "UPDATE channels.feed_key SET settled_seq = change_seq"


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"channels"}), Addon("shopfront", "onhand-shopfront", "1", "shopfront")]


@pytest.fixture
def mark(transact, shop):
    """Mark, now or later; return the ids of the channels that are fed."""

    def step(entities=None, **later):
        scope = entities or [shop.entity]
        ids = [entity.id for entity in scope]
        found = transact(lambda session, now: feeding.mark(session, ids, now=now + timedelta(**later)), scope)
        return {one.id for one in found.channels}

    return step


def test_changes_of_a_key_are_one_mark_and_an_entry_marks_once(shop, front, mark, superuser):
    assert mark() == {shop.till.id}
    assert superuser(DUE) == [(shop.tea.id, 1)], "what was there before is gone through"
    mark()
    superuser(SETTLE)
    shop.tell(shop.event("sale", {"TEA": 1}), shop.event("sale", {"TEA": 2}), shop.event("receipt", {"COFFEE": 1}))
    mark()
    mark()
    assert superuser(DUE) == [(shop.tea.id, 3), (shop.coffee.id, 1)]
    shop.tell(shop.event("return", {"COFFEE": 2}))
    mark()
    assert superuser(DUE) == [(shop.tea.id, 3), (shop.coffee.id, 1)], "what came back is not available"
    [(changed, recorded)] = superuser(
        "SELECT k.changed_at, min(m.recorded_at) FROM channels.feed_key k JOIN stock.movement m USING (item_id)"
        f" WHERE k.item_id = {shop.tea.id} AND m.kind = 'sale' GROUP BY 1"
    )
    assert changed == recorded, "the wait counts from the first change that nobody was told of"


def test_an_entry_that_becomes_visible_late_is_marked_all_the_same(
    shop, front, mark, superuser, transact, monkeypatch
):  # fmt: skip
    monkeypatch.setattr(marks, "READ_AGAIN", timedelta(0))
    mark()
    superuser(SETTLE)

    def slow(session, now):
        receive(session, now, shop.entity.id, shop.location.id, {shop.tea.id: 1})
        with ThreadPoolExecutor(1) as pool:
            pool.submit(shop.tell, shop.event("receipt", {"COFFEE": 1})).result()
            pool.submit(mark).result()
        assert superuser(DUE) == [(shop.coffee.id, 1)], "entries recorded after it have been read"

    transact(slow)
    mark()
    assert superuser(DUE) == [(shop.tea.id, 2), (shop.coffee.id, 1)]


def test_other_terms_go_through_all_keys_again(shop, front, mark, superuser, transact, monkeypatch):
    monkeypatch.setattr(marks, "SEED_ITEMS_MAX", 1)
    monkeypatch.setattr(marks, "GONE_THROUGH_AGAIN", timedelta(days=100_000))
    monkeypatch.setattr(marks, "CATCH_UP", timedelta(days=10))
    shop.tell(shop.event("receipt", {"COFFEE": 1}))
    mark()
    assert superuser(DUE) == [(shop.tea.id, 1)], "in pieces"
    for _ in range(3):
        mark()
    assert [item for item, _ in superuser(DUE)] == [shop.tea.id, shop.coffee.id]
    superuser(SETTLE + ", acknowledged_quantity = 5, acknowledged_at = now()")

    def due_after(command=None, **later):
        if command is not None:
            transact(command)
        for _ in range(3):
            mark(**later)
        found = superuser(DUE)
        superuser(SETTLE)
        return len(found)

    assert due_after() == 0
    by = {"by": TESTER}
    mode = Degrade("till-1", "stop_holds", "fraud")
    assert due_after(lambda session, now: degrade(session, [mode], **by, now=now)) == 2
    name, where = feeding.IN_FLIGHT_MINUTES, Where()
    tomorrow = timedelta(days=1)
    assert (
        due_after(
            lambda session, now: set_policy(session, name, 9, where, **by, now=now, effective_from=now + tomorrow)
        )
        == 0
    )
    assert due_after(days=1, seconds=-9) == 0
    assert due_after(days=1, seconds=9) == 2, "and now it holds"
    assert due_after(lambda session, now: (
        make_location(session, now, shop.entity.id, code="S2"),
        change_channels(session, [ChannelChange("till-1", locations=("S2",))], **by, now=now),
    )) == 2, "what it no longer sells must go to nothing"  # fmt: skip


@pytest.mark.parametrize("state", ["proposed", "suspended", "nobody's"])
def test_nothing_is_marked_for_a_channel_that_is_not_fed(shop, front, mark, superuser, transact, state):
    if state == "suspended":
        step = Advance("till-1", "suspended", "fraud")
        transact(lambda session, now: advance(session, [step], by=TESTER, now=now))
    elif state == "proposed":
        transact(lambda session, now: make_channel(
            session, now, shop.entity.id, shop.location.id, code="pilot", state="proposed"
        ))  # fmt: skip
        front.reset("pilot")
    else:
        front.reset()
    shop.tell(shop.event("sale", {"TEA": 1}))
    assert mark() == set()
    assert superuser("SELECT count(*) FROM channels.feed_key") == [(0,)]
    assert superuser("SELECT count(*) FROM channels.feed") == [(0,)]


@pytest.mark.disabled_in_b("shopfront")
def test_only_where_the_publisher_is_on_and_no_entity_sees_the_others(
    shop, front, mark, superuser, transact, entities
):  # fmt: skip
    a, b = entities

    def open_other(session, now):
        place = make_location(session, now, b.id, code="B1")
        make_channel(session, now, b.id, place.id, code="till-b")

    transact(open_other)
    front.reset("till-1", "till-b")
    assert mark([a, b]) == {shop.till.id}
    count = "SELECT count(*) FROM channels.feed_key"
    look = lambda session, now: session.connection().exec_driver_sql(count).scalar()  # noqa: E731
    assert transact(look, entities=[a]) == 1
    assert transact(look, entities=[b]) == 0


def test_posting_says_nothing_to_the_feed_and_a_mark_costs_the_same_whatever_happened(
    shop, front, mark, statements, superuser
):  # fmt: skip
    mark()
    counts = []
    for size in (1, 50):
        events = [shop.event("sale", {"TEA": 1, "COFFEE": 1}) for _ in range(size)]
        with statements() as posted:
            shop.tell(*events)
        assert not any("feed" in one for one in map(str, posted))
        with statements() as seen:
            mark()
        counts.append(len(seen))
    assert counts[0] == counts[1]
