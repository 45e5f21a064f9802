"""Where a rule demands consent a policy changes with it, never by whoever asked; profiles and rollback go the same way."""

import pytest
from onhand.access.services import RoleAt
from onhand.approvals.api import Decision, decide
from onhand.approvals.services import NewRule, change_rules
from onhand.approvals.services.rules import RuleChange
from onhand.policies.book import Where
from onhand.policies.chronicle import chronicle
from onhand.policies.proposing import propose
from onhand.policies.services import PolicyChange, PolicyRefused, resolve, set_policies
from onhand.testing import TESTER
from onhand.testing.people import csrf_token, sign_in

WATTS = "lamp.watts"


@pytest.fixture
def a(entities):
    return Where(entity_id=entities[0].id)


@pytest.fixture
def ruled(transact, entities):
    """Changes of policies in entity A need someone of governance."""
    rule = RuleChange("rule", entities[0].id, (NewRule("policies.change", "governance"),))
    transact(lambda session, now: change_rules(session, [rule], by=TESTER, now=now) and None)


@pytest.fixture
def ada(person, entities):
    return person(RoleAt("governance", entities[0].id), name="Ada")


@pytest.fixture
def bob(person, entities):
    return person(RoleAt("governance", entities[0].id), name="Bob")


@pytest.fixture
def ask(transact, a):
    def do(by, value=75, *more, **words):
        changes = [PolicyChange(WATTS, value, a), *more]
        return transact(lambda session, now: propose(session, changes, by=by.actor, now=now, **words))

    return do


@pytest.fixture
def agree(transact):
    def do(by, done, version=1):
        decision = Decision(done.approval, version, "approve")
        return transact(lambda session, now: decide(session, [decision], by=by.actor, now=now)[0])

    return do


@pytest.fixture
def value(transact, a):
    return lambda name=WATTS: transact(lambda session, now: resolve(session, name, a, at=now))


def test_without_a_rule_a_change_takes_effect_at_once(ask, ada, value, transact):
    done = ask(ada, reason="brighter")
    assert not done.is_waiting
    assert value() == 75
    [entry] = transact(lambda session, now: chronicle(session, WATTS, now=now))
    assert (entry.id, entry.by, entry.reason) == (done.versions[0], "Ada", "brighter")


def test_change_waits_and_whoever_asked_cannot_agree(ruled, ask, agree, ada, bob, value, transact):
    done = ask(ada, reason="brighter")
    assert (done.versions, done.roles) == ((), ("governance",))
    assert value() == 40
    assert agree(ada, done).why == "own_request"
    assert value() == 40
    assert agree(bob, done).status == "approved"
    assert value() == 75
    [entry] = transact(lambda session, now: chronicle(session, WATTS, now=now))
    assert (entry.by, entry.reason) == ("Ada", "brighter; agreed to by Bob")


def test_approver_sees_what_was_changed_meanwhile_before_it_counts(ruled, ask, agree, ada, bob, value, transact, a):
    done = ask(ada)
    transact(lambda session, now: set_policies(session, [PolicyChange(WATTS, 50, a)], by=TESTER, now=now) and None)
    refused = agree(bob, done)
    assert refused.why == "outdated"
    assert [(line.before, line.after) for line in refused.now.changes] == [("50 W", "75 W")]
    assert value() == 50
    assert agree(bob, done, refused.version).status == "approved"
    assert value() == 75


def test_several_changes_are_one(ruled, ask, agree, ada, bob, value, a):
    done = ask(ada, 75, PolicyChange("lamp.rate", "0.3", a))
    assert agree(bob, done).status == "approved"
    assert (value(), str(value("lamp.rate"))) == (75, "0.3")


def test_changes_of_two_entities_are_not_one(ask, ada, entities):
    with pytest.raises(PolicyRefused, match="must be of one entity"):
        ask(ada, 75, PolicyChange(WATTS, 60, Where(entity_id=entities[1].id)))


def test_page_says_that_it_waits_and_for_whom(ruled, app, ada, entities, superuser):
    client = app.test_client()
    sign_in(client, ada, entities[0])
    form = {"csrf_token": csrf_token(client, "/"), "value": "75", "entity": "A"}
    assert client.post(f"/policies/{WATTS}/set", data=form).status_code == 303
    text = client.get(f"/policies/{WATTS}").text
    assert "Not in force yet: asked governance to agree." in text
    assert "Waiting for consent" in text
    assert superuser("SELECT count(*) FROM onhand.policy_version") == [(0,)]
