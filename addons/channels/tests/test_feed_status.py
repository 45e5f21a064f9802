"""What people see of the feed, and what they can do: status, another try, send again; gaps against what was acknowledged."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from onhand.access.services import RoleAt
from onhand.addons import Addon
from onhand.testing.browser import WIDTHS
from onhand.testing.distribution import with_requirements
from onhand.testing.people import csrf_token
from onhand_channels.api import Failed, Stale
from onhand_channels.feed_commands import feed
from onhand_channels.feed_queries import feed_measures
from onhand_channels.services import feeding, rejudge, sync_gaps
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"channels"}), Addon("shopfront", "onhand-shopfront", "1", "shopfront")]


@pytest.fixture
def cycle(transact, shop, front):
    """Mark and bring what is due."""

    def work():
        transact(lambda session, now: feeding.mark(session, [shop.entity.id], now=now))
        written = []
        while batch := transact(lambda session, now: feeding.take(session, "till-1", now=now)):
            answers = feeding.bring(batch)
            transact(lambda session, now: feeding.settle(session, batch, answers, now=now))  # noqa: B023
            written += [(one.sku, one.quantity, one.compare) for one in batch.writes]
        return written

    return work


@pytest.fixture
def parked(shop, front, cycle):
    """Tea is acknowledged, coffee is parked."""
    shop.tell(shop.event("receipt", {"COFFEE": 5}))
    front.MOODS.append(
        lambda writes: [
            Failed("unknown_item", "add it to the shop", is_final=True) if one.sku == "COFFEE" else front.take(one)
            for one in writes
        ]
    )
    assert len(cycle()) == 2


@pytest.fixture
def command(app):
    def invoke(*words):
        with app.app_context():
            ended = CliRunner().invoke(feed, words)
        return ended.exit_code, ended.stdout + (ended.stderr if ended.exit_code else "")

    return invoke


def test_the_command_line_tells_how_it_is_and_sends_again(shop, front, cycle, parked, command, superuser):
    code, told = command("status", "--json")
    [row] = json.loads(told)
    assert code == 0
    assert (row["channel"], row["publisher"], row["due"], row["parked"], row["acknowledged"]) == (
        "till-1", "shopfront", 0, 1, 1,
    )  # fmt: skip
    assert 0 <= row["p50_seconds"] <= row["p95_seconds"]
    assert command("status", "--channel", "none")[0] == 1
    assert json.loads(command("resend", "till-1", "--dry-run", "--json")[1])["keys"] == 1
    assert cycle() == [], "a dry run leaves it"
    assert json.loads(command("resend", "till-1", "--json")[1]) == {"channel": "till-1", "keys": 1, "dry_run": False}
    assert cycle() == [("COFFEE", 5, None)]
    front.SHELVES.clear()  # it lost what it had
    assert json.loads(command("resend", "till-1", "--item", "TEA", "--dry-run", "--json")[1])["keys"] == 1
    assert command("resend", "till-1", "--item", "TEA")[1].strip() == "1 numbers are due for till-1"
    assert cycle() == [("TEA", 100, None)]
    assert json.loads(command("resend", "till-1", "--all", "--json")[1])["keys"] == 2
    assert len(cycle()) == 2
    assert command("resend", "till-1", "--item", "NONE")[0] == 1
    assert command("resend", "till-1", "--item", "TEA", "--all")[0] == 2
    audited = superuser("SELECT action FROM onhand.audit WHERE action LIKE 'channels.feed%' ORDER BY id")
    assert [row[0] for row in audited] == ["channels.feed_retry", "channels.feed_resend", "channels.feed_resend"]


def test_what_is_in_flight_stays_out_when_all_is_sent_again(shop, front, cycle, command):
    cycle()
    front.SHELVES[shop.tea.id, shop.location.id] -= 3
    shop.tell(shop.event("receipt", {"TEA": 10}))
    assert cycle()[-1] == ("TEA", 107, 97)
    command("resend", "till-1", "--all")
    assert cycle() == [("TEA", 107, None)]
    shop.tell(shop.event("sale", {"TEA": 3}))
    assert cycle() == []


def test_the_health_page_shows_it_and_a_button_tries_again(shop, front, cycle, parked, admin, api, token):
    def shown():
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", admin.get("/channels/till-1/health").text))

    page = shown()
    assert "Brought by shopfront Due 0" in page
    assert "Unknown item add it to the shop" in page
    form = {"csrf_token": csrf_token(admin, "/channels/")}
    assert admin.post("/channels/till-1/feed", data=form).status_code == 303
    assert "Due 1" in shown()
    clerk = api(token(shop.entity, "channels.read", "channels.replay"))
    told = clerk.get("/api/v1/channels/till-1/feed").json
    assert (told["publisher"], told["due"], told["parked"], told["writes_per_minute"]) == ("shopfront", 1, 0, 120)
    cycle()
    assert clerk.post("/api/v1/channels/till-1/feed/retry", json={}).json == {"keys": 0}
    assert api(token(shop.entity, "channels.read")).post("/api/v1/channels/till-1/feed/retry").status_code == 403
    front.MOODS += [lambda writes: [Stale(90)], lambda writes: [Stale(80)]]
    shop.tell(shop.event("receipt", {"TEA": 10}))
    cycle()
    [stale] = clerk.get("/api/v1/channels/till-1/feed").json["stale_keys"]
    assert (stale["sku"], stale["theirs"], stale["acknowledged"]) == ("TEA", 80, 100)
    assert "Other numbers" in shown()
    front.reset()
    assert "Brought by nobody now" in shown()


def test_prometheus_is_told_per_channel(shop, front, cycle, parked, transact):
    told = {one.name: one.value for one in transact(feed_measures) if one.labels["channel"] == "till-1"}
    assert told["onhand_channels_feed_parked"] == 1
    assert told["onhand_channels_feed_due"] == 0
    assert told["onhand_channels_feed_lag_p95_seconds"] >= 0


def test_a_report_of_a_channel_that_is_fed_is_held_against_what_it_acknowledged(shop, front, cycle, transact):
    gaps = lambda: {  # noqa: E731
        one.evidence["sku"]: (one.evidence["theirs"], one.evidence["ours"], "acknowledged" in one.title)
        for one in transact(lambda session, now: sync_gaps.still_true(session, shop.entity.id, None, now))
    }
    judge = lambda: transact(lambda session, now: rejudge(session, [shop.entity.id], now=now))  # noqa: E731

    def report(units, **ago):
        told = shop.event(
            "stock_report", [{"sku": "TEA", "quantity": units}], time=datetime.now(UTC) - timedelta(**ago)
        )
        assert shop.outcomes(told) == ["posted"]

    cycle()
    shop.tell(shop.event("receipt", {"TEA": 7}))
    report(100)
    assert gaps() == {}, "it was not told of the seven yet"
    report(99)
    assert gaps() == {"TEA": (99, 100, True)}
    shop.tell(shop.event("sale", {"TEA": 1}, time=datetime.now(UTC) - timedelta(seconds=0)))
    report(99)
    assert gaps() == {}, "the one it sold and told"
    shop.tell(shop.event("receipt", {"TEA": 2}))
    judge()
    assert gaps() == {}, "what came in after is not brought to it yet"
    report(98)
    assert gaps() == {"TEA": (98, 99, True)}
    cycle()
    judge()
    assert gaps() == {}, "it acknowledged another number since"
    report(5, minutes=10)
    assert gaps() == {}, "a number of before that says nothing any more"


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_the_health_page_in_a_browser(shop, front, cycle, parked, visit, person, width):
    here = visit(person(RoleAt("governance", shop.entity.id)), "/channels/till-1/health", width=width)
    front.MOODS += [lambda writes: [Stale(90)], lambda writes: [Stale(80)]]
    shop.tell(shop.event("receipt", {"TEA": 10}))
    cycle()
    here.goto("/channels/till-1/health")
    here.judge("channels-health-feed")
    here.page.get_by_role("button", name="Try parked numbers again").focus()
    here.page.keyboard.press("Enter")
    expect(here.page.get_by_text("1 number is due again.")).to_be_visible()
    front.reset()
    here.goto("/channels/till-1/health")
    expect(here.page.get_by_text("nobody now")).to_be_visible()
