"""The life of a channel from outside: over REST, on the pages, at the command line."""

import json
import re

import pytest
from click.testing import CliRunner
from onhand.access.services import RoleAt
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.people import csrf_token, sign_in
from onhand_channels.commands import channel as command_line
from onhand_channels.testing import TESTER, event, make_channel, name_onhand

CHANNELS = "/api/v1/channels"


@pytest.fixture
def clerk(api, token, shop):
    return api(token(shop.entity, "channels.read", "channels.edit", "channels.approve", "channels.replay"))


@pytest.fixture
def pilot(transact, shop):
    """A proposed channel that lacks only test events."""

    def make(session, now):
        made = make_channel(session, now, shop.entity.id, shop.location.id, code="pilot", state="proposed")
        where = Where(channel_id=made.id, entity_id=made.entity_id)
        set_policy(session, "channels.latency_seconds_max", 60, where, by=TESTER, now=now)
        set_policy(session, "channels.degradation_plan", "normal", where, by=TESTER, now=now)
        name_onhand(session, made.entity_id, now)
        return made

    return transact(make)


@pytest.fixture
def tested(shop, pilot):
    """The same with its test events told: ten sales of nine units, of a hundred."""
    shop.tell(
        *(event(pilot, "sale", {"TEA": 9}, location="S1", id=f"t-{n}") for n in range(10)), channel=pilot
    )  # fmt: skip
    return pilot


def test_a_channel_is_brought_into_service_over_rest(clerk, pilot, shop):
    path = f"{CHANNELS}/pilot"
    refused = clerk.post(f"{path}/transitions", json={"to": "assessed"})
    assert (refused.status_code, refused.json["reason"], refused.json["state"]) == (409, "not_ready", "proposed")
    assert [(one["name"], one["detail"]) for one in refused.json["unmet"]] == [("shadow", "0 of 10 test events told")]
    checks = clerk.get(f"{path}/checklist").json
    assert (checks["is_fulfilled"], len(checks["items"])) == (False, 6)
    program_events = [event(pilot, "sale", {"TEA": 9}, location="S1", id=f"t-{n}") for n in range(10)]
    shop.tell(*program_events, channel=pilot)
    assert clerk.get(f"{path}/checklist").json["is_fulfilled"]
    for to in ("assessed", "approved"):
        assert clerk.post(f"{path}/transitions", json={"to": to}).json["state"] == to
    report = clerk.get(f"{path}/shadow").json
    assert (report["events"], report["clean"], report["problems"]) == (10, 10, [])
    assert report["kinds"] == [{"kind": "sale", "lines": 10, "short": 0, "quantity": 90, "shortage": 0}]
    assert clerk.post(f"{path}/shadow/replay", json={}).status_code == 409
    stale = clerk.post(f"{path}/transitions", json={"to": "live", "expected": "assessed"})
    assert (stale.status_code, stale.json["reason"]) == (409, "moved_meanwhile")
    live = clerk.post(f"{path}/transitions", json={"to": "live"})
    assert live.json == {
        "code": "pilot", "from_state": "approved", "state": "live", "approval": None, "waits_for": [], "replayed": 0,
        "left": False,
    }  # fmt: skip
    assert shop.states() == {"available": 100}
    answer = clerk.post(f"{path}/shadow/replay", json={"ids": ["t-1", "t-2", "unheard of"]}).json
    assert [(one["id"], one["outcome"]) for one in answer["results"]] == [("t-1", "posted"), ("t-2", "posted")]
    assert shop.states() == {"available": 82}
    steps = clerk.get(f"{path}/transitions").json
    assert (steps["state"], steps["next"]) == ("live", ["suspended"])
    assert [one["to_state"] for one in steps["items"]] == ["live", "approved", "assessed", "proposed"]


def test_going_live_with_replay_carries_out_what_was_shadowed(clerk, tested, shop):
    path = f"{CHANNELS}/pilot/transitions"
    assert clerk.post(path, json={"to": "assessed", "replay_shadowed": True}).status_code == 422
    for to in ("assessed", "approved"):
        clerk.post(path, json={"to": to})
    assert clerk.post(path, json={"to": "live", "replay_shadowed": True}).json["replayed"] == 10
    assert shop.states() == {"available": 10}


def test_lines_of_the_report_are_paged(clerk, tested):
    seen, cursor = [], ""
    while cursor is not None:
        found = clerk.get(f"{CHANNELS}/pilot/shadow/lines?limit=4" + (f"&cursor={cursor}" if cursor else "")).json
        seen += [(one["event"], one["sku"], one["location"], one["quantity"]) for one in found["items"]]
        cursor = found["next"]
    assert sorted(seen) == sorted((f"t-{n}", "TEA", "S1", 9) for n in range(10))


def test_who_may_edit_may_suspend_and_not_approve(api, token, shop, tested, clerk):
    editor = api(token(shop.entity, "channels.read", "channels.edit"))
    assert editor.post(f"{CHANNELS}/till-1/transitions", json={"to": "suspended", "reason": "fraud"}).status_code == 200
    refused = editor.post(f"{CHANNELS}/till-1/transitions", json={"to": "live"})
    assert (refused.status_code, "channels.approve" in refused.json["detail"]) == (403, True)
    clerk.post(f"{CHANNELS}/pilot/transitions", json={"to": "assessed"})
    assert editor.post(f"{CHANNELS}/pilot/transitions", json={"to": "approved"}).status_code == 403
    live = {"code": "x", "name": "X", "kind": "pos", "entity": "A", "state": "live"}
    assert editor.post(CHANNELS, json=live).status_code == 403
    assert clerk.post(CHANNELS, json=live).json["active"]
    assert clerk.post(f"{CHANNELS}/till-1/transitions", json={"to": "retired"}).status_code == 422
    assert api(token(shop.entity, "channels.read")).post(f"{CHANNELS}/x/transitions", json={}).status_code == 403


def test_another_entity_sees_nothing_of_it(api, token, entities, tested):
    neighbour = api(token(entities[1], "channels.read", "channels.edit", "channels.approve", "channels.replay"))
    for path in ("transitions", "checklist", "shadow", "shadow/lines"):
        assert neighbour.get(f"{CHANNELS}/pilot/{path}").status_code == 404, path
    assert neighbour.post(f"{CHANNELS}/pilot/transitions", json={"to": "assessed"}).status_code == 404
    assert neighbour.post(f"{CHANNELS}/pilot/shadow/replay", json={}).status_code == 404


def text_of(answer):
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def press(browser, path, **form):
    answer = browser.post(path, data={**form, "csrf_token": csrf_token(browser, "/channels/")})
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location)


def test_a_channel_is_proposed_and_changed_on_the_pages(admin, shop):
    form = {"code": "web-9", "name": "Outlet", "kind": "ecommerce", "locations": "S1"}
    shown = text_of(press(admin, "/channels/-new", **form))
    assert "Proposed. It is in shadow until it is live" in shown
    assert "Test events passed in shadow Not yet" in shown
    for wrong, said in (
        ({"code": "a b"}, "a b: 1 to 64 letters"), ({"code": "web-9"}, "web-9: this code is taken"),
        ({"code": "w", "locations": "S1 S9"}, "S9: there is no such location"),
    ):  # fmt: skip
        data = {**form, **wrong, "csrf_token": csrf_token(admin, "/channels/")}
        answer = admin.post("/channels/-new", data=data)
        assert (answer.status_code, said in answer.text) == (422, True), wrong
    assert 'value="Outlet"' in admin.get("/channels/web-9/edit").text
    assert "Saved." in text_of(press(admin, "/channels/web-9/edit", name="Outlet 2", kind="pos", locations=""))
    assert "Outlet 2" not in text_of(admin.get("/channels/?state=live"))
    assert "Outlet 2" in text_of(admin.get("/channels/?state=proposed"))


def test_a_channel_lives_on_the_pages(admin, tested, shop):
    path = "/channels/pilot/life"
    assert "Proposed now" in text_of(admin.get(path))
    for to in ("assessed", "approved"):
        assert f"It is {to} now." in text_of(press(admin, path, to=to))
    assert "Leave it: the books already hold" in text_of(admin.get(path))
    assert "It is live now." in text_of(press(admin, path, to="live", replay=""))
    report = text_of(admin.get("/channels/pilot/shadow"))
    assert "Not replayed. The channel is live." in report
    assert "Sale 10 90" in report
    assert "10 posted." in text_of(press(admin, "/channels/pilot/shadow/replay"))
    assert shop.states() == {"available": 10}
    assert "say why it shall be suspended" in text_of(press(admin, path, to="suspended"))
    shown = text_of(press(admin, path, to="suspended", reason="<b>fraud</b>"))
    assert "live → suspended" in shown
    assert "&lt;b&gt;fraud&lt;/b&gt;" in shown
    assert "you saw it live" in text_of(press(admin, path, to="retired", reason="x", expected="live"))
    assert "suspended now" in text_of(admin.get(path)).lower()
    assert "approved → live" in text_of(press(admin, path, to="live"))


def test_a_store_manager_sees_the_life_and_may_not_change_it(app, person, shop, tested):
    client = app.test_client()
    sign_in(client, person(RoleAt("store_manager", shop.entity.id, shop.location.id)), shop.entity)
    assert "Next step" not in text_of(client.get("/channels/pilot/life"))
    data = {"csrf_token": csrf_token(client, "/channels/"), "to": "assessed"}
    assert client.post("/channels/pilot/life", data=data).status_code == 403
    assert client.get("/channels/-new").status_code == 403


@pytest.fixture
def onhand(app):
    def call(*words):
        with app.app_context():
            return CliRunner().invoke(command_line, [str(word) for word in words])

    return call


def test_the_command_line_lists_shows_and_advances(onhand, tested, shop):
    rows = json.loads(onhand("list", "--json").stdout)
    assert [(row["code"], row["state"]) for row in rows] == [("pilot", "proposed"), ("till-1", "live")]
    assert [row["code"] for row in json.loads(onhand("list", "--state", "live", "--json").stdout)] == ["till-1"]
    shown = json.loads(onhand("show", "pilot", "--json").stdout)
    assert (shown["next"], [one["is_fulfilled"] for one in shown["checklist"]]) == (["assessed", "retired"], [True] * 6)
    dry = json.loads(onhand("advance", "pilot", "assessed", "--dry-run", "--json").stdout)
    assert dry == {"code": "pilot", "from": "proposed", "state": "assessed", "moved": False}
    assert json.loads(onhand("show", "pilot", "--json").stdout)["state"] == "proposed"
    assert onhand("advance", "pilot", "assessed").stdout == "pilot is assessed, from proposed\n"
    refused = onhand("advance", "pilot", "live", "--json")
    assert (refused.exit_code, json.loads(refused.stdout)["reason"]) == (1, "illegal_step")
    assert "it may become approved or proposed or retired" in refused.stderr
    assert "[x] Locations mapped" in onhand("show", "pilot").stdout
    for words in (("show", "none"), ("advance", "none", "live"), ("advance", "till-1", "suspended")):
        assert onhand(*words).exit_code == 1, words
    assert onhand("advance", "till-1", "sleeping").exit_code == 2
