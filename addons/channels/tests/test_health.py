"""Health and degradation: a channel that is not well is degraded as its plan says, and brought back when it is well."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.people import csrf_token
from onhand_channels.api import channels_by_code
from onhand_channels.services import degrade, health_of, watch
from onhand_channels.testing import TESTER
from onhand_channels.values import Degrade, Degraded, Stayed


@pytest.fixture
def look(transact, shop):
    """The till as it is now."""
    return lambda: transact(lambda session, now: channels_by_code(session, ["till-1"]))[0]


@pytest.fixture
def faults(transact, shop):
    """What is the matter with the till, now or later."""

    def ask(**later):
        def command(session, now):
            return health_of(session, [shop.till], now=now + timedelta(**later))[shop.till.id].faults

        return transact(command)

    return ask


@pytest.fixture
def policy(transact, shop):
    def put(name, value):
        where = Where(channel_id=shop.till.id, entity_id=shop.entity.id)
        transact(lambda session, now: set_policy(session, f"channels.{name}", value, where, by=TESTER, now=now))

    return put


@pytest.fixture
def watched(transact, shop):
    """Look after channels, at a time."""
    return lambda **later: transact(lambda session, now: watch(session, [shop.entity.id], now=now + timedelta(**later)))


@pytest.fixture
def choose(transact):
    return lambda mode, reason="fraud": transact(
        lambda session, now: degrade(session, [Degrade("till-1", mode, reason)], by=TESTER, now=now)
    )[0]


def be_late(shop):
    late = datetime.now(UTC) - timedelta(minutes=20)
    shop.tell(*(shop.event("sale", {"TEA": 1}, time=late) for _ in range(3)))


def test_what_is_beyond_its_policies_is_said(shop, faults, policy):
    assert faults() == ()
    shop.tell(*(shop.event("sale", {"TEA": 1}) for _ in range(15)), *(shop.event("sale", {"NO": 1}) for _ in range(4)))
    assert faults() == (), "of nineteen no share is judged"
    shop.tell(shop.event("sale", {"NO": 1}))
    assert faults() == ("parked: 25 % of its events, 20 % are allowed",)
    policy("parked_percent_max", 25)
    assert faults() == ()
    policy("silence_seconds_max", 600)
    assert faults(minutes=9) == ()
    assert faults(minutes=11) == ("silent: no event for 600 s",)
    be_late(shop)
    assert faults()[0].startswith("late: 95 % within 12")


@pytest.mark.parametrize(("plan", "raised", "holds"), [
    ("normal", 0, True), ("raise_buffer", 3, True), ("stop_holds", 0, False),
])  # fmt: skip
def test_a_channel_that_is_not_well_is_degraded_as_planned_and_brought_back(
    shop, look, policy, watched, plan, raised, holds
):
    policy("degradation_plan", plan)
    policy("degraded_buffer", 3)
    assert watched() == []
    be_late(shop)
    assert len(watched()) == (plan != "normal")
    assert watched() == []
    now = look()
    assert (now.mode, now.buffer_raise, now.takes_holds, now.active) == (plan, raised, holds, True)
    watched(hours=2)
    assert (look().mode, look().buffer_raise, look().takes_holds) == ("normal", 0, True)


def test_a_plan_may_suspend_and_only_people_resume(shop, look, policy, watched, superuser):
    policy("degradation_plan", "suspend")
    be_late(shop)
    watched()
    assert look().state == "suspended"
    [(actor, reason)] = superuser("SELECT actor, reason FROM channels.lifecycle_step WHERE to_state = 'suspended'")
    assert (actor, reason[:5]) == ("system:channel-watch", "late:")
    assert watched(hours=2) == []
    assert look().state == "suspended"


def test_what_was_chosen_by_hand_stays_until_it_is_left_to_the_plan(shop, look, policy, watched, choose, superuser):
    assert isinstance(choose("stop_holds"), Degraded)
    assert watched(hours=2) == []
    assert (look().mode, look().is_by_hand) == ("stop_holds", True)
    choose("automatic")
    assert (look().mode, look().is_by_hand) == ("normal", False)
    audited = superuser("SELECT before, after, reason FROM onhand.audit WHERE action = 'channels.degrade' ORDER BY id")
    assert audited[0] == ({"mode": "normal"}, {"mode": "stop_holds", "chosen_by": "hand"}, "fraud")
    assert len(audited) == 2


def test_a_choice_that_cannot_be_is_refused(shop, choose, look):
    assert choose("sleep").reason == "unknown_mode"
    assert choose("stop_holds", " ").reason == "reason_missing"
    assert isinstance(choose("suspend"), Degraded)
    assert look().state == "suspended"
    stays = choose("normal")
    assert isinstance(stays, Stayed)
    assert stays.reason == "not_live"


def test_health_and_mode_over_rest_and_on_the_page(shop, api, token, admin):
    be_late(shop)
    clerk = api(token(shop.entity, "channels.read", "channels.edit"))
    path = "/api/v1/channels/till-1"
    found = clerk.get(f"{path}/health").json
    assert (found["state"], found["mode"], found["chosen_by"], found["events"]) == ("live", "normal", "policy", 3)
    assert found["faults"][0].startswith("late:")
    wanted = {"mode": "raise_buffer", "reason": "slow"}
    assert clerk.post(f"{path}/mode", json=wanted).json == {
        "code": "till-1",
        "before": "normal",
        "mode": "raise_buffer",
    }
    assert clerk.post(f"{path}/mode", json={"mode": "sleep", "reason": "x"}).status_code == 422
    assert api(token(shop.entity, "channels.read")).post(f"{path}/mode", json=wanted).status_code == 403
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", admin.get("/channels/till-1/health").text))
    assert "Not well" in shown
    assert "Raised buffer: more units of everything are kept back Chosen by hand Kept back beyond buffers 1" in shown
    form = {"mode": "automatic", "reason": "fine", "csrf_token": csrf_token(admin, "/channels/")}
    assert admin.post("/channels/till-1/health", data=form).status_code == 303
    assert clerk.get(f"{path}/health").json["mode"] == "normal"
