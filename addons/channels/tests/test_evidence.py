"""Evidence: what goes wrong at the intake is told, and no longer true once it is mended."""

from datetime import UTC, datetime, timedelta

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand.testing.people import csrf_token, sign_in
from onhand_channels.api import replay
from onhand_channels.services import evidence, latency, settle_conflicts
from onhand_channels.testing import TESTER
from onhand_master_data.testing import make_item


@pytest.fixture(scope="module")
def addons():
    return with_requirements({"channels", "exceptions"})


@pytest.fixture
def inbox(superuser, drain):
    """The exceptions that the inbox shows, by cause and status, once all jobs are done."""

    def look():
        assert drain().parked == 0
        return dict(superuser("SELECT cause_key, status FROM exceptions.exception"))

    return look


def standing(shop, kind, keys=None):
    judge = getattr(evidence, f"{kind}_standing")
    return {one.key: one for one in shop.transact(lambda session, now: judge(session, shop.entity.id, keys, now))}


def test_a_parked_event_is_told_and_stands_until_it_is_replayed(shop, transact, inbox):
    shop.tell(shop.event("sale", {"NEW": 1}, id="odd/../id?&#"), shop.event("sale", {"TEA": 1}))
    key = "event:till-1/odd/../id?&#"
    assert inbox() == {key: "open"}
    [cause] = standing(shop, "parked").values()
    assert cause.key == key
    assert cause.evidence["detail"] == "there is no active item 'NEW'"
    assert cause.evidence["href"] == "/channels/till-1/event?id=odd%2F..%2Fid%3F%26%23"
    assert standing(shop, "parked", ["event:till-1/other", "event:nowhere/x", "nonsense"]) == {}
    assert standing(shop, "parked", [key]).keys() == {key}
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    transact(lambda session, now: replay(session, shop.till, None, by=TESTER, now=now))
    assert standing(shop, "parked") == standing(shop, "parked", [key]) == {}


def test_a_parked_event_can_be_replayed_from_its_exception(shop, app, person, transact, inbox, superuser):
    shop.tell(shop.event("sale", {"NEW": 1}, id="s-9"))
    assert inbox() == {"event:till-1/s-9": "open"}
    transact(lambda session, now: make_item(session, now, shop.entity.id, sku="NEW"))
    client = app.test_client()
    sign_in(client, person("governance"), shop.entity)
    [(id_,)] = superuser("SELECT id FROM exceptions.exception")
    page = client.get(f"/exceptions/{id_}").text
    assert 'action="/channels/till-1/replay"' in page
    assert '<input type="hidden" name="id" value="s-9">' in page
    form = {"id": "s-9", "csrf_token": csrf_token(client, "/")}
    assert client.post("/channels/till-1/replay", data=form).status_code == 303
    assert standing(shop, "parked") == {}


def test_a_conflict_stands_until_it_is_settled_and_comes_back_with_yet_another_body(shop, transact, inbox, superuser):
    bodies = [shop.event("sale", {"TEA": n}, id="s-1") for n in (1, 2, 3)]
    shop.tell(bodies[0], bodies[1])
    key = "event:till-1/s-1"
    assert inbox() == {key: "open"}
    assert standing(shop, "conflicts", [key])[key].quantity == 1
    settled = transact(
        lambda session, now: settle_conflicts(
            session, shop.till, ["s-1", "s-2"], "the till is mended", by=TESTER, now=now
        )
    )
    assert settled == ["s-1"]
    assert standing(shop, "conflicts") == standing(shop, "conflicts", [key]) == {}
    shop.tell(bodies[1])
    assert standing(shop, "conflicts") == {}
    shop.tell(bodies[2])
    assert standing(shop, "conflicts")[key].quantity == 1
    [(actor, reason)] = superuser("SELECT actor, reason FROM onhand.audit WHERE action = 'channels.settle_conflict'")
    assert (actor, reason) == ("system:test", "the till is mended")


def test_late_facts_are_a_breach_where_the_95th_percentile_is_late(shop, inbox):
    now = datetime.now(UTC)
    late = [shop.event("sale", {"TEA": 1}, time=now - timedelta(minutes=10)) for _ in range(3)]
    shop.tell(*(shop.event("receipt", {"TEA": 1}) for _ in range(10)), *late)
    key = "latency:till-1:onhand.sale.v1"
    assert inbox() == {key: "open"}
    [cause] = standing(shop, "latency").values()
    assert (cause.key, cause.quantity, cause.evidence["limit_s"]) == (key, 3, 300)
    assert 600 <= cause.evidence["latency_s"] < 700
    assert standing(shop, "latency", ["latency:till-1:onhand.receipt.v1", "latency:other:x"]) == {}
    shop.tell(*(shop.event("sale", {"TEA": 1}) for _ in range(97)))
    assert standing(shop, "latency") == standing(shop, "latency", [key]) == {}


def test_how_late_is_too_late_is_a_policy_of_the_channel(shop, transact, inbox):
    ten = datetime.now(UTC) - timedelta(minutes=10)
    transact(
        lambda session, now: (
            set_policy(
                session, "channels.latency_seconds_max", 3_600, Where(channel_id=shop.till.id), by=TESTER, now=now
            ).id
        )
    )
    shop.tell(shop.event("sale", {"TEA": 1}, time=ten))
    assert inbox() == {}
    assert standing(shop, "latency") == {}


def test_parked_events_do_not_count_as_late(shop, inbox):
    shop.tell(shop.event("sale", {"NEW": 1}, id="x", time=datetime.now(UTC) - timedelta(hours=5)))
    assert inbox() == {"event:till-1/x": "open"}
    assert standing(shop, "latency") == {}


def test_a_report_measures_recorded_less_occurred(shop, transact, superuser):
    now = datetime.now(UTC)
    shop.tell(*(shop.event("sale", {"TEA": 1}, time=now - timedelta(seconds=n)) for n in range(1, 101)))
    shop.tell(shop.event("receipt", {"TEA": 1}, time=now + timedelta(minutes=1)))
    [overall, receipts, sales] = transact(
        lambda session, now: latency.report(session, [shop.till], since=now - timedelta(hours=1))
    )
    assert (overall.type, receipts.type, sales.type) == (None, "onhand.receipt.v1", "onhand.sale.v1")
    assert (overall.events, receipts.events, sales.events) == (101, 1, 100)
    assert receipts.max_seconds == 0
    [(p50, p95, most)] = superuser("""
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY s), percentile_disc(0.95) WITHIN GROUP (ORDER BY s), max(s)
        FROM (SELECT extract(epoch FROM recorded_at - occurred_at)::float8 AS s FROM channels.event
              WHERE type = 'onhand.sale.v1') e
    """)
    assert (sales.p50_seconds, sales.p95_seconds, sales.max_seconds) == (p50, p95, most)
    assert 49 < p50 < 60
    newest = transact(lambda session, now: latency.report(session, [shop.till], since=now - timedelta(hours=1), most=1))
    assert [(one.type, one.events) for one in newest] == [(None, 1), ("onhand.receipt.v1", 1)]


def test_nothing_is_told_where_nobody_listens(shop, superuser):
    superuser("UPDATE onhand.enablement SET state = 'disabled' WHERE addon = 'exceptions'")
    superuser(
        "INSERT INTO onhand.enablement SELECT max(id) + 1000, max(entity_id), 'exceptions', 'disabled', now(), now(), 'x' FROM onhand.enablement"
    )
    shop.tell(shop.event("sale", {"NEW": 1}))
    assert superuser("SELECT count(*) FROM onhand.outbox") == [(0,)]
