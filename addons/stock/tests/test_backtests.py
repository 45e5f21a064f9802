"""Back-test of thresholds of adjustments: recorded requests are weighed again, and only those that differ count."""

from uuid import uuid4

import pytest
from onhand.policies.backtesting import backtest
from onhand.policies.book import Where
from onhand.policies.services import PolicyChange, set_policies
from onhand_stock.services import Adjust, adjust
from onhand_stock.testing import TESTER


@pytest.fixture
def ask(shop):
    """Ask for changes of shelves in their order, each on its own."""

    def asking(*deltas, item=None, reason="shrinkage"):
        made = []
        for delta in deltas:
            one = Adjust(
                uuid4(), shop.entity.id, (item or shop.item).id, shop.location.id, "available",
                shop.states(item)["available"], delta, reason, is_trusted=True,
            )  # fmt: skip
            made += shop.run(lambda session, now, one=one: adjust(session, [one], by=TESTER, now=now, source="test"))
        return made

    return asking


@pytest.fixture
def tried(shop):
    """Back-test drafts of the ledger's policies for the shop's entity, over the last days."""

    def do(days=7, **values):
        where = Where(entity_id=shop.entity.id)
        changes = [PolicyChange(f"stock.{name}", value, where) for name, value in values.items()]
        [found] = shop.run(lambda session, now: backtest(session, changes, now=now, days=days))
        return found.result

    return do


def test_lower_tolerance_puts_before_others_what_was_posted_at_once(shop, ask, tried):
    shop.receive(100)
    shop.receive(100, shop.items[1])
    [three] = ask(-3)
    [one] = ask(-1, item=shop.items[1])
    found = tried(adjust_tolerance_units=2)
    assert (found.examined, found.different, found.quantity, found.amount_minor) == (2, 1, 3, None)
    [row] = found.rows
    assert (row.label, row.href) == (
        f"{shop.item.sku} at {shop.location.code}: −3 available", f"/stock/adjustments/{three.id}",
    )  # fmt: skip
    assert (row.before, row.after) == ("posted at once", "put before those who approve")
    assert tried(adjust_tolerance_units=4).different == 0
    assert [row.href for row in tried(adjust_tolerance_units=0).rows] == [
        f"/stock/adjustments/{one.id}", f"/stock/adjustments/{three.id}",
    ]  # fmt: skip


def test_what_one_person_split_is_added_up_in_the_replay_too(shop, ask, tried, superuser):
    shop.receive(100)
    ask(-2, -2, -2)
    [row] = tried(adjust_tolerance_units=6).rows
    assert (row.before, row.after) == ("put before those who approve", "posted at once")
    assert tried(adjust_tolerance_units=3).different == 1, "the second is over by then, the third was over before"
    superuser("UPDATE stock.adjustment SET recorded_at = recorded_at - interval '2 days' WHERE delta = -2")
    assert tried(days=1, adjust_tolerance_units=3).examined == 0


def test_value_and_recounts_are_replayed_with_their_money(shop, ask, tried):
    shop.receive(100)
    value = PolicyChange("stock.unit_value_minor", "250", Where(item_id=shop.item.id))
    shop.run(lambda session, now: set_policies(session, [value], by=TESTER, now=now) and None)
    ask(-5)
    found = tried(adjust_tolerance_minor=1_000)
    assert (found.different, found.quantity, found.amount_minor, found.rows[0].amount_minor) == (1, 5, 1_250, 1_250)
    assert tried(adjust_tolerance_minor=1_250).different == 0
    assert [row.after for row in tried(recount_units=5).rows] == ["counted again first"]


def test_replay_sees_its_own_entity_only_and_costs_the_same_for_many(shop, other_shop, ask, tried, statements):
    shop.receive(100)
    other_shop.receive(100)
    ask(-1)
    with statements() as few:
        assert tried(adjust_tolerance_units=0).examined == 1
    ask(-1, -1, -1)
    with statements() as many:
        assert tried(adjust_tolerance_units=0).examined == 4
    assert len(many) == len(few)
    other = Where(entity_id=other_shop.entity.id)
    change = PolicyChange("stock.adjust_tolerance_units", 0, other)
    [found] = other_shop.run(lambda session, now: backtest(session, [change], now=now, days=7))
    assert found.result.examined == 0
