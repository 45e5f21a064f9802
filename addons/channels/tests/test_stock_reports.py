"""Stock reports: a channel's own numbers against the book's at that moment, in any order of arrival."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand_channels.services import acknowledge, rejudge, sync_gaps
from onhand_channels.testing import TESTER, deliver, event, make_channel
from onhand_master_data.testing import make_item, make_items, make_location

INBOX = """
SELECT e.status, e.title FROM exceptions.exception e JOIN exceptions.evidence v ON v.exception_id = e.id
WHERE v.kind = 'sync_gap'
"""
BEGIN = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture(scope="module")
def addons():
    """An inbox, to be told."""
    return with_requirements({"channels", "exceptions"})


def at(minutes):
    return BEGIN + timedelta(minutes=minutes)


@pytest.fixture
def report(shop):
    """Report numbers of the till, as of a minute; say what became of it."""

    def tell(numbers, minute=60, channel=None, **more):
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in numbers.items()]
        told = shop.event("stock_report", lines, time=more.pop("time", at(minute)), **more)
        [answer] = shop.tell({**told, "source": (channel or shop.till).code}, channel=channel)
        return answer.outcome if answer.problem is None else answer.problem["type"]

    return tell


@pytest.fixture
def gaps(shop):
    """The gaps that stand: theirs and ours by item."""

    def standing(keys=None):
        found = shop.transact(lambda session, now: sync_gaps.still_true(session, shop.entity.id, keys, now))
        return {one.evidence["sku"]: (one.evidence["theirs"], one.evidence["ours"]) for one in found}

    return standing


@pytest.fixture
def opened(shop):
    """The till's shop got its hundred before the story begins; so the story has another: twenty of coffee."""
    shop.tell(shop.event("receipt", {"COFFEE": 20}, time=at(0)))


def test_a_number_that_is_off_is_told_and_closes_by_a_later_one_that_agrees(
    shop, report, gaps, opened, drain, superuser
):
    assert report({"COFFEE": 17}, 10) == "posted"
    assert gaps() == {"COFFEE": (17, 20)}
    drain()
    assert superuser(INBOX) == [("open", "till-1 has 17 of COFFEE at S1, the book 20")]
    report({"COFFEE": 20}, 11)
    assert gaps() == {}
    [(again,)] = superuser("SELECT is_gap FROM channels.stock_report")
    assert not again
    assert shop.states(shop.coffee) == {"available": 20}, "a report moves nothing"


def test_the_book_is_asked_as_of_the_moment_of_the_number(shop, report, gaps, opened):
    shop.tell(shop.event("sale", {"COFFEE": 5}, time=at(30)))
    assert report({"COFFEE": 20}, 29) == "posted"
    assert gaps() == {}
    report({"COFFEE": 20}, 31)
    assert gaps() == {"COFFEE": (20, 15)}
    told = shop.event("stock_report", [{"sku": "COFFEE", "quantity": 20}], time=at(40))
    told["data"]["as_of"] = at(39).isoformat()
    shop.tell(told)
    assert gaps() == {"COFFEE": (20, 15)}


def test_a_late_fact_closes_a_gap_that_it_explains(shop, report, gaps, opened):
    report({"COFFEE": 15}, 31)
    assert gaps() == {"COFFEE": (15, 20)}
    shop.tell(shop.event("sale", {"COFFEE": 5}, time=at(30)))
    assert gaps() == {}


def test_a_late_fact_opens_a_gap_that_it_shows(shop, report, gaps, opened, transact):
    report({"COFFEE": 20}, 31)
    shop.tell(shop.event("sale", {"COFFEE": 5}, time=at(30)))
    assert gaps() == {}
    assert transact(lambda session, now: rejudge(session, [shop.entity.id], now=now)) == 1
    assert gaps() == {"COFFEE": (20, 15)}
    assert transact(lambda session, now: rejudge(session, [shop.entity.id], now=now)) == 0


def test_an_older_number_changes_nothing(shop, report, gaps, opened):
    report({"COFFEE": 20}, 20)
    report({"COFFEE": 1}, 10)
    assert gaps() == {}


def test_what_is_tolerated_is_a_policy(shop, report, gaps, opened, transact):
    where = Where(location_id=shop.location.id)
    transact(lambda session, now: set_policy(session, sync_gaps.TOLERANCE, 3, where, by=TESTER, now=now))
    report({"COFFEE": 17}, 10)
    assert gaps() == {}
    report({"COFFEE": 16}, 11)
    assert gaps() == {"COFFEE": (16, 20)}


def test_a_till_counts_its_shelves_and_a_shop_on_the_web_what_may_be_sold(
    shop, report, gaps, opened, superuser, transact
):
    web = transact(
        lambda session, now: make_channel(session, now, shop.entity.id, shop.location.id, code="web", kind="ecommerce")
    )
    shop.tell(shop.event("return", {"COFFEE": 2}, time=at(5)))
    report({"COFFEE": 22}, 10)
    report({"COFFEE": 20}, 10, channel=web)
    assert gaps() == {}
    report({"COFFEE": 20}, 11)
    report({"COFFEE": 22}, 11, channel=web)
    assert gaps() == {"COFFEE": (22, 20)} or gaps() == {"COFFEE": (20, 22)}
    assert superuser("SELECT count(*) FROM channels.stock_report WHERE is_gap") == [(2,)]


def test_what_the_book_lacked_is_less_than_nothing_on_hand(shop, report, gaps):
    shop.tell(shop.event("sale", {"COFFEE": 3}, time=at(5)))
    report({"COFFEE": 0}, 10)
    assert gaps() == {"COFFEE": (0, -3)}


def test_an_acknowledged_correction_closes_the_gap_until_the_next_report(
    shop, report, gaps, opened, transact, superuser
):
    report({"COFFEE": 17}, 10)
    take = lambda session, now: acknowledge(  # noqa: E731
        session, shop.till, shop.location.id, [shop.coffee.id, shop.tea.id], by=TESTER, now=now
    )
    assert transact(take) == [shop.coffee.id]
    assert transact(take) == []
    key = f"sync_gap:till-1:{shop.location.id}:{shop.coffee.id}"
    assert gaps() == gaps([key]) == {}
    assert superuser("SELECT acknowledged_by FROM channels.stock_report") == [("system:test",)]
    report({"COFFEE": 17}, 11)
    assert gaps() == gaps([key]) == {"COFFEE": (17, 20)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"location": "S9"}, "unknown-location"),
        ({"lines": [{"sku": "NEW", "quantity": 1}]}, "unknown-item"),
        ({"lines": [{"quantity": 1}]}, "item-missing"),
        ({"lines": [{"sku": "TEA", "quantity": 1}, {"sku": "TEA", "quantity": 2}]}, "invalid-data"),
        ({"lines": [{"sku": "TEA", "quantity": -1}]}, "invalid-data"),
        ({"lines": []}, "invalid-data"),
        ({"lines": [{"sku": "TEA", "quantity": 1.5}]}, "invalid-data"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "time-in-future"),
        ({"as_of": "yesterday"}, "invalid-data"),
    ],
)
def test_what_is_not_understood_is_parked_with_its_reason(shop, superuser, change, reason):
    told = shop.event("stock_report", [{"sku": "TEA", "quantity": 1}])
    told["data"] |= change
    [answer] = shop.tell(told)
    assert (answer.outcome, answer.problem["type"]) == ("parked", f"/problems/{reason}")
    assert superuser("SELECT count(*) FROM channels.stock_report") == [(0,)]


def test_in_shadow_a_number_is_reported_on_and_not_compared(shop, transact, superuser):
    pilot = transact(
        lambda session, now: make_channel(session, now, shop.entity.id, shop.location.id, code="p", state="proposed")
    )
    told = event(pilot, "stock_report", {"TEA": 7}, location="S1")
    assert shop.outcomes(told, channel=pilot) == ["shadowed"]
    assert superuser("SELECT kind, quantity, shortage FROM channels.shadow_line") == [("stock_report", 7, 0)]
    assert superuser("SELECT count(*) FROM channels.stock_report") == [(0,)]


def test_a_thousand_lines_cost_as_many_statements_as_one(shop, transact, statements, superuser):
    items = transact(lambda session, now: make_items(session, now, 1_000, shop.entity.id))
    shop.tell(shop.event("receipt", {item.sku: 1 for item in items}))  # the catalogue has read them all
    counts = []
    for size in (1, 1_000):
        lines = [{"sku": item.sku, "quantity": 5} for item in items[:size]]
        with statements() as seen:
            assert [(one.outcome, one.problem) for one in shop.tell(shop.event("stock_report", lines))] == [
                ("posted", None)
            ]
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert superuser("SELECT count(*) FROM channels.stock_report WHERE is_gap") == [(1_000,)]


def test_another_entity_sees_no_number(shop, report, opened, transact, entities):
    report({"COFFEE": 1}, 10)
    count = "SELECT count(*) FROM channels.stock_report"
    look = lambda session, now: session.connection().exec_driver_sql(count).scalar()  # noqa: E731
    assert transact(look, entities=[entities[0]]) == 1
    assert transact(look, entities=[entities[1]]) == 0


STORY = st.lists(
    st.tuples(st.sampled_from(["sale", "receipt", "return", "stock_report"]), st.integers(1, 9), st.integers(0, 9)),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=STORY, data=st.data())
def test_whatever_the_order_of_arrival_the_same_gaps_stand(transact, entities, story, data):
    """Sales, receipts, returns and reports of their own minutes, told in any order and more than once."""
    numbers = range(len(story))
    order = [*data.draw(st.lists(st.sampled_from(numbers), max_size=5)), *data.draw(st.permutations(numbers))]
    told, shelf, expected = [], 0, None

    def open_shop(session, now):
        shop, item = make_location(session, now, entities[0].id), make_item(session, now, entities[0].id)
        return shop, item, make_channel(session, now, entities[0].id, shop.id)

    shop, item, till = transact(open_shop)
    for minute, (noun, quantity, off) in enumerate(story):
        told.append(
            event(
                till, noun, [{"sku": item.sku, "quantity": off if noun == "stock_report" else quantity}],
                location=shop.code, time=at(minute), id=f"e-{minute}",
            )
        )  # fmt: skip
        shelf += {"sale": -quantity, "stock_report": 0}.get(noun, quantity)
        if noun == "stock_report":
            expected = {item.sku: (off, shelf)} if off != shelf else {}
    for number in order:
        transact(lambda session, now: deliver(session, now, till, told[number]))  # noqa: B023 - called at once
    transact(lambda session, now: rejudge(session, [entities[0].id], now=now))
    for keys in (None, [f"sync_gap:{till.code}:{shop.id}:{item.id}"]):
        found = transact(lambda session, now: sync_gaps.still_true(session, entities[0].id, keys, now))  # noqa: B023
        mine = {
            one.evidence["sku"]: (one.evidence["theirs"], one.evidence["ours"])
            for one in found
            if one.item_id == item.id
        }
        assert mine == (expected or {})


def test_numbers_are_listed_and_corrections_acknowledged_over_rest(shop, report, opened, api, token, drain):
    report({"COFFEE": 17, "TEA": 0}, 10)
    clerk = api(token(shop.entity, "channels.read", "channels.replay"))
    path = "/api/v1/channels/till-1/reports"
    rows = {one["sku"]: one for one in clerk.get(path).json["items"]}
    assert {sku: (one["theirs"], one["ours"], one["difference"], one["is_gap"]) for sku, one in rows.items()} == {
        "COFFEE": (17, 20, -3, True), "TEA": (0, 0, 0, False),
    }  # fmt: skip
    assert [one["sku"] for one in clerk.get(f"{path}?gap=true&location=S1").json["items"]] == ["COFFEE"]
    assert clerk.get(f"{path}?location=S9").json["items"] == []
    wanted = {"location": "S1", "skus": ["COFFEE", "TEA"]}
    assert clerk.post(f"{path}/acknowledge", json=wanted).json == {"skus": ["COFFEE", "TEA"]}
    assert clerk.post(f"{path}/acknowledge", json=wanted).json == {"skus": []}
    for unknown in ({"skus": ["COFFEE", "NONE"]}, {"location": "S9"}):
        assert clerk.post(f"{path}/acknowledge", json=wanted | unknown).status_code == 404, unknown
    assert clerk.get(f"{path}?gap=true").json["items"] == []
    assert api(token(shop.entity, "channels.read")).post(f"{path}/acknowledge", json=wanted).status_code == 403


def test_the_page_shows_gaps_and_acknowledges_them(shop, report, opened, admin):
    import re

    from onhand.testing.people import csrf_token

    report({"COFFEE": 17}, 10)
    page = admin.get("/channels/till-1/reports")
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    assert "COFFEE Item COFFEE S1 17 20 −3 Gap" in shown
    assert 'href="/stock/items/COFFEE?location=S1"' in page.text
    form = {"sku": "COFFEE", "location": "S1", "csrf_token": csrf_token(admin, "/channels/")}
    assert admin.post("/channels/till-1/reports", data=form).status_code == 303
    assert "No number is off" in admin.get("/channels/till-1/reports").text
    assert "Corrected" in admin.get("/channels/till-1/reports?shown=all").text
