"""What is asked for takes effect at once, or waits for those whom the rules name."""

from dataclasses import replace
from datetime import timedelta

import pytest
from onhand.approvals.api import Asked, Refused, Revision, Withdrawal, ask, revise, withdraw
from onhand.approvals.services.rules import NewRule, RuleChange, change_rules
from onhand.approvals.services.weighing import Weight, reaches


def test_below_every_threshold_it_takes_effect_at_once(house):
    asked = house.ask(9)
    assert (asked.status, asked.steps, asked.href) == ("approved", (), f"/bins/{house.bin}")
    assert house.held == 109
    assert house.activity(asked) == ["asked", "passed"]


@pytest.mark.parametrize(("quantity", "roles"), [
    (10, ["store_manager"]), (-10, ["store_manager"]), (39, ["store_manager"]), (40, ["store_manager", "governance"]),
])  # fmt: skip
def test_thresholds_are_inclusive_and_go_by_size(house, quantity, roles):
    asked = house.ask(quantity)
    assert (asked.status, [step.role for step in asked.steps]) == ("pending", roles)
    assert house.changes == []


@pytest.mark.parametrize(("weight", "threshold", "is_reached"), [
    (Weight(10), (None, 10, None), True),
    (Weight(9), (None, 10, None), False),
    (Weight(0, 500, "EUR"), (500, None, "EUR"), True),
    (Weight(0, 499, "EUR"), (500, None, "EUR"), False),
    (Weight(10, 1, "EUR"), (500, 10, "EUR"), True),
    (Weight(10), (500, None, "EUR"), False),
    (Weight(0, 1, "USD"), (500, None, "EUR"), True),
    (Weight(), (None, None, None), True),
])  # fmt: skip
def test_what_reaches_a_threshold(weight, threshold, is_reached):
    assert reaches(weight, *threshold) is is_reached


def test_asking_again_under_a_key_returns_what_became_of_it(house):
    first = house.ask(9, key="once")
    assert house.ask(9, key="once") == first
    assert house.held == 109
    other = house.ask(8, key="once")
    assert (other.why, other.id) == ("key_reused", first.id)


def test_equal_keys_of_one_list_are_one_request(house):
    request = house.request(9)
    answers = house.transact(lambda session, now: ask(session, [request, request], by=house.clerk.actor, now=now))
    assert answers[0] == answers[1]
    assert house.changes == [(house.bin, 9)]


@pytest.mark.parametrize(("wrong", "why", "says"), [
    ({"kind": "bin.paint"}, "unknown_kind", "bin.set"),
    ({"title": " "}, "invalid", "title"),
    ({"amount_minor": 5}, "invalid", "currency"),
    ({"reason": "boredom"}, "reason", "damage"),
    ({"entity_id": None, "location_id": 7}, "invalid", "location"),
    ({"atp_after": 2**63}, "invalid", "atp_after"),
])  # fmt: skip
def test_what_is_wrong_with_a_request_is_said_and_nothing_kept(house, wrong, why, says):
    refused = house.ask(9, **wrong)
    assert (refused.why, refused.id) == (why, None)
    assert says in refused.detail
    assert house.changes == []


def test_what_cannot_be_applied_at_once_is_refused_and_nothing_kept_of_it_alone(house, superuser):
    requests = [house.request(1), house.request(2, payload={"bin": house.bin, "stuck": True}), house.request(3)]
    answers = house.transact(lambda session, now: ask(session, requests, by=house.clerk.actor, now=now))
    assert [type(answer) for answer in answers] == [Asked, Refused, Asked]
    assert answers[1].detail == "the bin is stuck: oil it"
    assert house.held == 104
    assert superuser("SELECT count(*)::int FROM onhand.approval") == [(2,)]


@pytest.mark.disabled_in_b("bin")
def test_a_kind_of_an_addon_that_is_off_is_unknown(house, entities):
    assert house.ask(9, entity_id=entities[1].id).why == "unknown_kind"


def test_splitting_within_the_window_is_added_up(house):
    assert house.ask(6).status == "approved"
    assert [step.role for step in house.ask(6).steps] == ["store_manager"]
    assert [step.role for step in house.ask(-30).steps] == ["store_manager", "governance"]


def test_splitting_within_one_list_is_added_up(house):
    requests = [house.request(6) for _ in range(3)]
    answers = house.transact(lambda session, now: ask(session, requests, by=house.clerk.actor, now=now))
    assert [answer.status for answer in answers] == ["approved", "pending", "pending"]


@pytest.mark.parametrize("other", [{"subject": "bin:other"}, {"kind": "bin.empty"}, {"location_id": 5}])
def test_only_what_is_alike_is_added_up(house, other):
    assert house.ask(6).status == "approved"
    assert house.ask(6, **other).status == "approved"


def test_another_persons_requests_are_not_added_up_but_ones_own_through_a_token_are(house, token):
    from onhand.actors import Actor
    from onhand.db import cursor

    assert house.ask(6).status == "approved"
    assert house.ask(6, by=house.manager).status == "approved"
    token(house.entity, "bin.read", person=house.clerk)
    sql = "SELECT id FROM onhand.api_token WHERE user_id = %s"
    [(id_,)] = house.transact(lambda session, now: cursor(session).execute(sql, (house.clerk.id,)).fetchall())
    assert house.ask(6, by=Actor("token", id_, "till", house.clerk.id)).status == "pending"


def test_after_the_window_counting_begins_anew(house, transact):
    from onhand.policies.book import Where
    from onhand.policies.services import set_policy

    now = transact(lambda _, now: now)
    assert house.ask(6, at=now - timedelta(hours=23)).status == "approved"
    assert house.ask(6, at=now).status == "pending"
    assert house.ask(6, at=now + timedelta(hours=25)).status == "approved"
    where = Where(entity_id=house.entity.id)
    transact(
        lambda session, now: set_policy(session, "approvals.split_hours", 48, where, by=house.clerk.actor, now=now)
    )
    assert house.ask(1, at=now + timedelta(hours=26)).status == "pending"


def test_revising_voids_consents_and_weighs_anew(house):
    asked = house.ask(40)
    house.decide(asked, house.manager)
    request = house.request(45, key="another")
    change = Revision(asked.id, 1, request)
    revised = house.transact(lambda session, now: revise(session, [change], by=house.clerk.actor, now=now)[0])
    assert (revised.status, revised.version) == ("pending", 2)
    assert house.decide(revised, house.governor).why == "no_authority"
    assert house.decide(revised, house.manager).waiting_role == "governance"
    assert house.decide(revised, house.governor).status == "approved"
    assert house.held == 145


def test_revised_below_the_threshold_it_takes_effect_at_once(house):
    asked = house.ask(40)
    change = Revision(asked.id, 1, house.request(4))
    revised = house.transact(lambda session, now: revise(session, [change], by=house.clerk.actor, now=now)[0])
    assert (revised.id, revised.status, revised.version) == (asked.id, "approved", 2)
    assert house.changes == [(house.bin, 4)]
    assert house.activity(asked) == ["asked", "revised", "passed"]


def test_only_who_asked_may_revise_or_withdraw_and_only_what_is_open(house):
    asked = house.ask(40)
    change, back = Revision(asked.id, 1, house.request(4)), Withdrawal(asked.id)
    other = house.manager.actor
    assert house.transact(lambda session, now: revise(session, [change], by=other, now=now)[0]).why == "not_yours"
    assert house.transact(lambda session, now: withdraw(session, [back], by=other, now=now)[0]).why == "not_yours"
    stale = replace(change, version=7)
    mine = house.clerk.actor
    assert house.transact(lambda session, now: revise(session, [stale], by=mine, now=now)[0]).why == "changed"
    elsewhere = replace(change, request=house.request(4, kind="bin.empty"))
    assert house.transact(lambda session, now: revise(session, [elsewhere], by=mine, now=now)[0]).why == "invalid"
    assert house.transact(lambda session, now: withdraw(session, [back], by=mine, now=now)[0]).status == "withdrawn"
    assert house.transact(lambda session, now: withdraw(session, [back], by=mine, now=now)[0]).why == "settled"
    assert house.decide(asked, house.manager).why == "settled"
    assert house.changes == []


def test_rules_of_the_most_specific_place_count(house, transact, superuser):
    def change(entity_id, *add):
        wish = RuleChange(f"rules-{entity_id}-{len(add)}-{add[0].role}", entity_id, add)
        [made] = transact(lambda session, now: change_rules(session, [wish], by=house.governor.actor, now=now))
        assert made.status == "approved"

    change(None, NewRule("bin.set", "admin"))
    assert [step.role for step in house.ask(1).steps] == ["admin"]
    change(house.entity.id, NewRule("bin.set", "auditor", quantity_from=5))
    assert house.ask(1, subject="other").status == "approved"
    assert [step.role for step in house.ask(5, subject="third").steps] == ["auditor"]
    change(house.entity.id, NewRule("bin.set", "governance", location_id=5))
    assert [step.role for step in house.ask(5, location_id=5).steps] == ["governance"]
    assert superuser("SELECT count(*)::int FROM onhand.audit WHERE action = 'approval_rule.add'") == [(3,)]


def test_a_batch_takes_a_constant_number_of_statements(house, statements):
    def cost(size):
        requests = [house.request(1, subject=f"{size}:{n}", reason="damage") for n in range(size)]
        big = [house.request(40, subject=f"{size}:{n}:big") for n in range(size)]
        with statements() as seen:
            house.transact(lambda session, now: ask(session, requests + big, by=house.clerk.actor, now=now))
        return [text.split("(")[0] for text in seen if "bin." not in text]

    assert cost(2) == cost(60)
