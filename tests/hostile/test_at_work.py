"""An add-on that does harm in a hook: the request is told which, nothing of it is kept, and the others work on."""

import html
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from onhand import kpis, watching
from onhand.addons import shown
from onhand.addons.health import health_of
from onhand.addons.suspension import resume
from onhand.addons.timeline import suspensions
from onhand.testing import TESTER
from onhand.testing.people import csrf_token, sign_in
from onhand.testing.server import Server
from onhand.watching import FAILURES_MAX, Watch
from onhand_channels.testing import event
from onhand_stock.testing import differences

from hostile.at_work import BESIDE, FIGURES_BADLY, IN_A_HOLD, ON_A_PAGE, TAKING
from hostile.packages import package_of

MISCLAIMS, OBSERVES_BADLY, HANGS, KEEPS_THE_LOCK = BESIDE


@pytest.mark.parametrize("hostile", IN_A_HOLD, ids=str)
def test_harm_in_a_hold_is_told_and_undone(harmful, hostile):
    here, there = harmful.shops
    before = here.units()
    with harmful.enabled(hostile, here):
        answer = here.ask()
        assert answer.status_code in {500, 503}, answer.text
        assert answer.json["addon"] == hostile.noun
        assert re.search(hostile.said, harmful.last_failure(hostile)), harmful.last_failure(hostile)
        assert there.ask().status_code == 201, "where it is off nothing has changed"
        assert here.units() == before
    assert here.ask().status_code == 201
    assert harmful.site.transact(differences) == []


@pytest.mark.parametrize("hostile", ON_A_PAGE, ids=str)
def test_harm_on_a_page_leaves_out_its_own_part(harmful, hostile, monkeypatch):
    monkeypatch.setattr(shown, "SHOWN_SECONDS_MAX", 0.1)
    here, _ = harmful.shops
    with harmful.enabled(hostile, here):
        page = harmful.site.browser("admin", entity=here.entity).get("/")
    assert page.status_code == 200
    assert "It did not answer; see Apps." in page.text
    assert page.text.count("oh-tile-value") > 1, "others' figures are there"
    assert re.search(hostile.said, harmful.last_failure(hostile))


def test_who_empties_the_lists_it_is_handed_takes_nothing_from_others(harmful):
    here, _ = harmful.shops
    takes, wants = TAKING
    with harmful.enabled(takes, here), harmful.enabled(wants, here):
        assert here.ask().status_code == 201
    assert sys.modules[f"{package_of(wants)}.plugin"].SEEN == [1, 1]
    assert harmful.site.transact(differences) == []


FAILING = {
    "mistyped": "UndefinedColumn",
    "slow": "took too long",
    "writing": "in a read-only transaction",
    "unlike": "n is to be quantity, and is 'many'",
    "keyless": "the query returns no key",
    "unprepared": "ZeroDivisionError: division by zero",
}


def test_figures_that_fail_say_so_and_the_others_are_shown(harmful, monkeypatch):
    monkeypatch.setattr(kpis, "SECONDS_MAX", 0.1)
    here, _ = harmful.shops
    admin = harmful.site.browser("admin", entity=here.entity)
    with harmful.enabled(FIGURES_BADLY, here):
        page = html.unescape(admin.get("/executive/").text)
        assert page.count("It could not be worked out") == len(FAILING)
        for name, said in FAILING.items():
            [told] = re.findall(rf"the add-on 'figures_badly' [^<]* in the figure figures_badly\.{name}\b[^<]*", page)
            assert said in told
        assert "/executive/figures_badly.right?key=one" in page
        assert "/executive/stock.shortages/export" in page, "and those of others"
        behind = html.unescape(admin.get("/executive/figures_badly.leads_nowhere").text)
        assert "It could not be worked out" in behind
        assert "KeyError: 'nowhere'" in behind
        assert 'href="/"' in admin.get("/executive/figures_badly.right?key=one").text
        file = admin.get("/executive/figures_badly.mistyped/export")
        assert file.status_code == 500
        assert "figures_badly" in file.text
        assert "UndefinedColumn" in harmful.last_failure(FIGURES_BADLY)
        tried = html.unescape(admin.get("/policies/reservations.buffer/set?value=2").text)
        assert "the add-on 'figures_badly' failed in the back-test 'Sales'" in tried
        auditor = html.unescape(harmful.site.browser("governance", entity=here.entity).get("/executive/").text)
        assert "UndefinedColumn" not in auditor


def test_wrong_number_of_answers_parks_the_event_and_names_the_addon(harmful):
    here, _ = harmful.shops
    with harmful.enabled(MISCLAIMS, here):
        assert (
            here.tell(event(here.channel, "shipment", {here.sku: 1}, location=here.store.code, order="O-1")) == "parked"
        )
        assert MISCLAIMS.said in harmful.last_failure(MISCLAIMS)


def test_failing_observer_holds_up_nobody(harmful):
    here, _ = harmful.shops
    with harmful.enabled(OBSERVES_BADLY, here):
        assert here.tell(event(here.channel, "sale", {here.sku: 2_000}, location=here.store.code)) == "posted"
        harmful.site.drain()
        assert OBSERVES_BADLY.said in harmful.last_failure(OBSERVES_BADLY)
    assert here.tell(event(here.channel, "receipt", {here.sku: 3_000}, location=here.store.code)) == "posted"
    assert here.ask().status_code == 201


def test_hook_that_does_not_end_is_switched_off_and_its_process_recycled(harmful, monkeypatch):
    here, there = harmful.shops
    plugin = sys.modules[f"{package_of(HANGS)}.plugin"]
    recycled, answers = [], []
    watch = Watch(harmful.site.app, lambda: recycled.append(1))
    with harmful.enabled(HANGS, here):
        stuck = threading.Thread(target=lambda: answers.append(here.ask().status_code))
        stuck.start()
        assert plugin.begun.wait(30)
        with harmful.site.app.app_context():
            watch.look()
            assert recycled == [], "not before its time"
            monkeypatch.setattr(watch, "_seconds_max", 0.0)
            monkeypatch.setattr(watch, "_thawed_at", time.perf_counter() + 1_000)
            watch.look()
            assert recycled == [], "nor for a time when the whole process stood still"
            monkeypatch.setattr(watch, "_thawed_at", 0.0)
            watch.look()
            watch.look()
        assert recycled == [1], "once"
        assert there.ask().status_code == 201, "others work on meanwhile"
        plugin.let_go.set()
        stuck.join()
        plugin.begun.clear()
        assert here.ask().status_code == 201
        assert not plugin.begun.is_set(), "it is off, so nobody comes to it"
        page = harmful.site.browser("admin").get("/apps").text
        assert re.search(
            r"was suspended by system:watch on .* because it was at movement_posted for \d+ s and did not end", page
        )
        trail = "SELECT actor, reason FROM onhand.audit WHERE action = 'addon.suspend' AND subject = 'addon:hangs'"
        assert [row[0] for row in harmful.site.database.superuser(trail)] == ["system:watch"]
        harmful.site.transact(lambda session, now: resume(session, "hangs", by=TESTER, now=now))
        assert "hangs" not in harmful.site.transact(lambda session, _: suspensions(session))


def test_a_process_that_stood_still_is_noticed(harmful, monkeypatch):
    watch = Watch(harmful.site.app, lambda: None)
    monkeypatch.setattr(watching, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(watching, "FROZEN_SECONDS", 3_600.0)
    watch.rest()
    assert watch._thawed_at == 0.0
    monkeypatch.setattr(watching, "FROZEN_SECONDS", 0.0)
    before = time.perf_counter()
    watch.rest()
    assert watch._thawed_at > before


def test_hook_that_only_fails_is_switched_off_and_resumed_by_an_administrator(harmful):
    here, _ = harmful.shops
    hostile = next(one for one in IN_A_HOLD if one.noun == "raises")
    watch = Watch(harmful.site.app, lambda: None)
    admin = harmful.site.person("admin")
    with harmful.enabled(hostile, here):
        for _ in range(FAILURES_MAX):
            assert here.ask().status_code == 500
        with harmful.site.app.app_context():
            watch.look()
            watch.write_down()
        assert here.ask().status_code == 201
        health = harmful.site.transact(lambda session, now: health_of(session, now=now))[hostile.noun]
        assert (health.calls, health.errors) == (FAILURES_MAX, FAILURES_MAX)
        assert hostile.said in health.error
        told = "SELECT text FROM onhand.notice WHERE user_id = %s AND key = 'addon:raises'"
        assert "failed again and again in movement_posted" in harmful.site.database.superuser(told, admin.id)[0][0]
        client = harmful.site.app.test_client()
        sign_in(client, admin)
        token = csrf_token(client, "/apps/raises")
        assert client.post("/apps/raises", data={"csrf_token": token, "do": "resume"}).status_code == 303
        assert here.ask().status_code == 500, "it is on again, and no better"


@pytest.mark.parametrize(
    ("hostile", "logged", "reason"),
    [(HANGS, "hook_does_not_end", HANGS.said), (KEEPS_THE_LOCK, "lock_kept", KEEPS_THE_LOCK.said)],
    ids=str,
)
def test_web_process_with_a_hook_that_does_not_end_is_replaced_within_seconds(harmful, hostile, logged, reason):
    here, _ = harmful.shops
    ours = ("master_data", "stock", "channels", "reservations")
    addons = [harmful.addons.addon(noun) for noun in (*ours, hostile.noun)]
    settings = replace(harmful.site.settings, hook_seconds_max=0.5, statement_timeout_ms=5_000)
    with Server(settings, addons) as server, harmful.enabled(hostile, here):
        hurt = threading.Thread(target=lambda: over_http(server, here))
        started = time.monotonic()
        hurt.start()
        statuses = []
        while 201 not in statuses:
            assert time.monotonic() - started < 30, server.output
            time.sleep(0.2)
            statuses.append(over_http(server, here))
        hurt.join()
        assert logged in server.output
        assert hostile.noun in harmful.site.transact(lambda session, _: suspensions(session))
    trail = "SELECT reason FROM onhand.audit WHERE action = 'addon.suspend' AND subject = %s ORDER BY id DESC LIMIT 1"
    [(said,)] = harmful.site.database.superuser(trail, f"addon:{hostile.noun}")
    assert re.search(reason, said)
    harmful.site.transact(lambda session, now: resume(session, hostile.noun, by=TESTER, now=now))


def over_http(server, shop):
    """Ask to hold one unit over HTTP; return the status, 0 where the connection was cut."""
    body, headers = shop.wish()
    request = urllib.request.Request(f"{server.url}/api/v1/reservations", body, {**headers, **shop.program.headers})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
