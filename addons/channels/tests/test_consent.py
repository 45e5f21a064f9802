"""Consent: where a rule says so, a step of a channel's life waits for somebody else."""

import pytest
from onhand.access.services import RoleAt
from onhand.approvals.api import Asked, Decided, Decision, Refused, decide
from onhand.approvals.services.rules import NewRule, RuleChange, change_rules
from onhand_channels.api import Advance, Advanced, channels_by_code
from onhand_channels.services import request_steps
from onhand_channels.testing import TESTER, make_channel
from onhand_channels.values import Stayed, Waits

pytestmark = pytest.mark.usefixtures("ready")


@pytest.fixture
def pilot(transact, shop, superuser):
    """An assessed channel."""
    made = transact(
        lambda session, now: make_channel(
            session, now, shop.entity.id, shop.location.id, code="pilot", state="proposed"
        )
    )
    superuser("UPDATE channels.channel SET state = 'assessed' WHERE id = %s", made.id)
    return made


@pytest.fixture
def ready(monkeypatch):
    """Every checklist is fulfilled."""
    from onhand_channels.services import consent, lifecycle

    for module in (consent, lifecycle):
        monkeypatch.setattr(module, "checklist", lambda session, channels, *, now: {one.id: [] for one in channels})


@pytest.fixture
def rule(transact, shop, person):
    """Governance must agree to steps of channels."""
    change = RuleChange("first", shop.entity.id, (NewRule("channels.lifecycle", "governance"),))
    [asked] = transact(lambda session, now: change_rules(session, [change], by=TESTER, now=now))
    assert isinstance(asked, Asked)
    if asked.status == "pending":
        decision = Decision(asked.id, asked.version, "approve")
        chief = person(RoleAt("admin")).actor
        transact(lambda session, now: decide(session, [decision], by=chief, now=now))


@pytest.fixture
def step(transact):
    def take(to, by, code="pilot", reason=""):
        wish = Advance(code, to, reason)
        return transact(lambda session, now: request_steps(session, [wish], by=by, now=now))[0]

    return take


@pytest.fixture
def agree(transact):
    def say(waits, who, verdict="approve"):
        from uuid import UUID

        decision = Decision(UUID(waits.approval), 1, verdict, reason="no" if verdict == "reject" else None)
        return transact(lambda session, now: decide(session, [decision], by=who, now=now))[0]

    return say


@pytest.fixture
def people(person, shop):
    """Two of governance."""
    return [person(RoleAt("governance", shop.entity.id)).actor for _ in range(2)]


def state(transact, code="pilot"):
    return transact(lambda session, now: channels_by_code(session, [code]))[0].state


def test_without_a_rule_a_step_is_taken_at_once(pilot, step, people, transact):
    assert isinstance(step("approved", people[0]), Advanced)
    assert state(transact) == "approved"


def test_with_a_rule_it_waits_for_somebody_else(pilot, rule, step, people, agree, transact, superuser):
    waits = step("approved", people[0])
    assert isinstance(waits, Waits)
    assert (waits.roles, state(transact)) == (("governance",), "assessed")
    assert step("approved", people[0]) == waits, "asking again is the same request"
    own = agree(waits, people[0])
    assert isinstance(own, Refused)
    assert state(transact) == "assessed"
    assert isinstance(agree(waits, people[1]), Decided)
    assert state(transact) == "approved"
    [(actor,)] = superuser("SELECT actor FROM channels.lifecycle_step WHERE to_state = 'approved'")
    assert actor == people[1].ref


def test_suspending_waits_for_nobody(rule, step, people, transact, shop):
    assert isinstance(step("suspended", people[0], "till-1", "fraud"), Advanced)
    assert state(transact, "till-1") == "suspended"
    assert isinstance(step("live", people[0], "till-1"), Waits)


def test_what_cannot_be_done_is_refused_before_anybody_is_asked(pilot, rule, step, people, superuser):
    answer = step("live", people[0])
    assert isinstance(answer, Stayed)
    assert superuser("SELECT count(*) FROM onhand.approval WHERE kind = 'channels.lifecycle'") == [(0,)]


def test_a_channel_that_moved_on_cannot_be_approved_as_it_was(pilot, rule, step, people, agree, transact):
    waits = step("approved", people[0])
    step("proposed", people[0], reason="not yet")
    late = agree(waits, people[1])
    assert isinstance(late, Refused)
    assert "you saw it assessed, it is proposed by now" in late.detail
    assert state(transact) == "proposed"


def test_after_a_rejection_one_may_ask_again(pilot, rule, step, people, agree, transact):
    first = step("approved", people[0])
    agree(first, people[1], "reject")
    second = step("approved", people[0])
    assert isinstance(second, Waits)
    assert second.approval != first.approval
    assert isinstance(agree(second, people[1]), Decided)
    assert state(transact) == "approved"
