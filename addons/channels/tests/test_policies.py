"""Policies are set for places by their codes: what is another entity's, or nowhere, is refused; types have limits of their own."""

from datetime import UTC, datetime, timedelta

import pytest
from onhand.policies.backtesting import backtest
from onhand.policies.book import Where
from onhand.policies.places import where_of
from onhand.policies.services import PolicyChange, PolicyRefused, place_of, set_policies
from onhand.testing import TESTER
from onhand_channels.services import latency
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_location

LATENCY = "channels.latency_seconds_max"


@pytest.fixture
def there(transact, entities):
    """Entity B's channel and location."""

    def found(session, now):
        place = make_location(session, now, entities[1].id, code="S9")
        return make_channel(session, now, entities[1].id, place.id, code="till-9"), place

    return transact(found)


@pytest.fixture
def put(transact):
    def do(where, value=60, entities=None, **more):
        change = PolicyChange(LATENCY, value, where, **more)
        return transact(
            lambda session, now: place_of(set_policies(session, [change], by=TESTER, now=now)[0]), entities=entities
        )

    return do


def test_codes_name_a_place_and_a_channel_brings_its_entity(transact, shop, put):
    codes = {"channel": shop.till.code, "entity": "", "location": None}
    where = transact(lambda session, _: where_of(session, codes))
    assert where == Where(channel_id=shop.till.id, entity_id=shop.entity.id)
    assert put(Where(channel_id=shop.till.id)) == where


@pytest.mark.parametrize("part", ["channel", "location"])
def test_foreign_entitys_place_is_refused_naming_both(transact, shop, there, part):
    thing = there[part == "location"]
    with pytest.raises(PolicyRefused, match=f"{part} {thing.code} belongs to entity B, not to A") as refused:
        transact(lambda session, _: where_of(session, {part: thing.code, "entity": "A"}))
    assert refused.value.field == f"scope.{part}"


def test_foreign_entitys_channel_is_not_there_for_whom_it_is_out_of_scope(shop, there, put, transact):
    with pytest.raises(PolicyRefused, match=f"there is no channel {there[0].id} here"):
        put(Where(channel_id=there[0].id, entity_id=shop.entity.id), entities=[shop.entity])
    with pytest.raises(PolicyRefused, match="there is no channel 'till-9' here"):
        transact(lambda session, _: where_of(session, {"channel": "till-9"}), entities=[shop.entity])


@pytest.mark.parametrize(
    ("codes", "because"),
    [
        ({"channel": "nowhere"}, "there is no channel 'nowhere' here"),
        ({"channel": "a\x00"}, "there is no channel"),
        ({"item": "nothing"}, "there is no item 'nothing' here"),
        ({"category": "none"}, "there is no category 'none' here"),
        ({"entity": "Z"}, "there is no entity 'Z' here"),
        ({"planet": "X"}, "a place has no 'planet'; it has item, category, location, channel, entity"),
    ],
)
def test_code_of_nothing_is_refused(transact, shop, codes, because):
    with pytest.raises(PolicyRefused, match=because):
        transact(lambda session, _: where_of(session, codes))


def test_limit_may_depend_on_the_type_of_the_event(transact, shop, put):
    put(Where(entity_id=shop.entity.id), 120)
    put(Where(channel_id=shop.till.id), 30, condition="type == 'onhand.sale.v1'")

    def limits(session, now):
        types = ("onhand.sale.v1", "onhand.receipt.v1", None)
        return [latency.limit_of(session, shop.till, now, name) for name in types]

    assert transact(limits) == [30, 120, 120]


def test_back_test_counts_the_events_that_another_level_would_judge_otherwise(transact, shop, put):
    now = datetime.now(UTC)
    for minutes, noun in ((10, "sale"), (2, "sale"), (3, "receipt")):
        shop.tell(shop.event(noun, {"TEA": 1}, time=now - timedelta(minutes=minutes)))

    def tried(value, condition=None, days=1):
        change = PolicyChange(LATENCY, value, Where(entity_id=shop.entity.id), condition=condition)
        return transact(lambda session, now: backtest(session, [change], now=now, days=days))[0].result

    looser = tried(3_600)
    assert (looser.examined, looser.different) == (3, 1)
    assert (looser.rows[0].before, looser.rows[0].after) == ("a breach: 300 s are allowed", "in time")
    assert looser.rows[0].href.startswith("/channels/till-1/event?id=sale-")
    stricter = tried(60)
    assert (stricter.examined, stricter.different) == (3, 2)
    assert {row.after for row in stricter.rows} == {"a breach: 60 s are allowed"}
    assert tried(60, condition="type == 'onhand.receipt.v1'").different == 1
    assert tried(300).different == 0
    assert transact(lambda session, now: latency.limit_of(session, shop.till, now)) == 300, "nothing was set"


def test_back_test_reads_a_constant_number_of_statements(transact, shop, statements):
    def tried(session, now):
        change = PolicyChange(LATENCY, 1, Where(entity_id=shop.entity.id))
        return backtest(session, [change], now=now, days=1)[0].result.different

    counts = []
    for _ in range(2):
        past = datetime.now(UTC) - timedelta(minutes=5)
        shop.tell(*(shop.event("sale", {"TEA": 1}, time=past) for _ in range(5)))
        with statements() as seen:
            transact(tried, entities=[shop.entity])
        counts.append(len(seen))
    assert counts[0] == counts[1]
