"""A decision counts for what was seen, in the turn of a role, once; and it takes effect with the last."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from onhand.access.services import set_active
from onhand.approvals.api import Asked, Decided, Decision, Refused, ask, decide
from onhand.db import cursor
from onhand.testing import TESTER
from onhand.transaction import run
from onhand_bin import services


def test_the_last_consent_takes_effect_under_both_names(house, superuser):
    asked = house.ask(40)
    assert house.decide(asked, house.governor).why == "no_authority"
    assert house.decide(asked, house.manager).waiting_role == "governance"
    assert house.held == 100
    done = house.decide(asked, house.governor)
    assert (done.status, done.href, done.result) == ("approved", f"/bins/{house.bin}", {"approvers": ["Mona", "Gina"]})
    assert house.held == 140
    assert house.activity(asked) == ["asked", "approved", "approved"]
    assert superuser("SELECT action FROM onhand.audit WHERE subject = %s ORDER BY id", f"approval:{asked.id}") == [
        ("approval.ask",), ("approval.approve",), ("approval.approve",),
    ]  # fmt: skip


@pytest.mark.parametrize(("verdict", "status"), [("return", "returned"), ("reject", "rejected")])
def test_to_turn_down_takes_a_reason_and_ends_it(house, verdict, status):
    asked = house.ask(40)
    assert house.decide(asked, house.manager, verdict, reason="  ").why == "invalid"
    assert house.decide(asked, house.manager, verdict, reason="count again").status == status
    assert house.decide(asked, house.manager).why == "settled"
    assert house.changes == []


def test_a_role_elsewhere_or_a_person_who_left_decides_nothing(house, entities, person):
    from onhand.access.services import RoleAt

    asked = house.ask(20)
    elsewhere = person(RoleAt("store_manager", entities[1].id))
    at_one_place = person(RoleAt("store_manager", house.entity.id, 7))
    assert house.decide(asked, elsewhere).why == "no_authority"
    assert house.decide(asked, at_one_place).why == "no_authority"
    there = house.ask(20, location_id=7)
    assert house.decide(there, at_one_place).status == "approved"
    house.transact(lambda session, now: set_active(session, house.manager.id, False, by=TESTER, now=now))
    assert house.decide(asked, house.manager).why == "no_authority"


def test_what_moved_meanwhile_is_shown_anew_and_consents_are_void(house, transact):
    asked = house.ask(40)
    house.decide(asked, house.manager)
    transact(lambda session, now: services.put(session, house.bin, 90))
    refused = house.decide(asked, house.governor)
    assert (refused.why, refused.version, refused.now.quantity) == ("outdated", 2, 50)
    assert (refused.now.changes[0].before, refused.now.changes[0].after) == (90, 140)
    assert house.decide(asked, house.governor).why == "changed"
    assert house.decide(asked, house.governor, version=2).why == "no_authority"
    assert house.decide(asked, house.manager, version=2).waiting_role == "governance"
    assert house.decide(asked, house.governor, version=2).status == "approved"
    assert house.held == 140
    assert house.activity(asked) == ["asked", "approved", "outdated", "approved", "approved"]


def test_what_has_shrunk_below_every_threshold_still_takes_one_consent(house, transact):
    asked = house.ask(40)
    transact(lambda session, now: services.put(session, house.bin, 139))
    assert house.decide(asked, house.manager).why == "outdated"
    assert house.decide(asked, house.manager, version=2).status == "approved"
    assert house.changes == [(house.bin, 1)]


def test_what_can_no_longer_be_done_is_refused_and_nothing_counts(house):
    asked = house.ask(20, payload={"bin": house.bin, "stuck": True})
    refused = house.decide(asked, house.manager)
    assert (refused.why, refused.detail) == ("not_applied", "the bin is stuck: oil it")
    assert house.activity(asked) == ["asked"]


def test_an_effect_that_fails_takes_its_decision_with_it(house):
    asked = house.ask(20, payload={"bin": house.bin, "broken": True})
    with pytest.raises(ZeroDivisionError):
        house.decide(asked, house.manager)
    assert house.activity(asked) == ["asked"]


def test_a_reason_that_was_retired_meanwhile_is_refused_clearly(house, superuser):
    asked = house.ask(20, reason="damage")
    superuser("UPDATE onhand.reason_code SET retired_at = '2026-01-02' WHERE code = 'damage'")
    try:
        refused = house.decide(asked, house.manager)
        assert refused.why == "reason"
        assert "'damage' is retired since 2026-01-02" in refused.detail
        assert "return it, so that Carla can choose" in refused.detail
        assert house.decide(asked, house.manager, "return", reason="choose another").status == "returned"
    finally:
        superuser("UPDATE onhand.reason_code SET retired_at = NULL WHERE code = 'damage'")


def test_a_list_is_answered_one_by_one(house):
    good, own, stale, stuck = (
        house.ask(20, subject="1"),
        house.ask(20, by=house.manager, subject="2"),
        house.ask(20, subject="3"),
        house.ask(20, subject="4", payload={"bin": house.bin, "stuck": True}),
    )
    decisions = [
        Decision(good.id, 1, "approve"), Decision(own.id, 1, "approve"), Decision(stale.id, 4, "approve"),
        Decision(stuck.id, 1, "approve"), Decision(good.id, 1, "reject", "no"),
    ]  # fmt: skip
    answers = house.transact(lambda session, now: decide(session, decisions, by=house.manager.actor, now=now))
    assert [answer.status if isinstance(answer, Decided) else answer.why for answer in answers] == [
        "approved", "own_request", "changed", "not_applied", "twice",
    ]  # fmt: skip
    assert house.changes == [(house.bin, 20)]


def together(app, *commands, entities):
    barrier = Barrier(len(commands), timeout=30)

    def work(command):
        with app.app_context():
            barrier.wait()
            return run(command, entities=entities)

    with ThreadPoolExecutor(len(commands)) as pool:
        return [future.result() for future in [pool.submit(work, command) for command in commands]]


def test_of_two_who_approve_at_once_one_has_the_effect(app, house):
    for round_ in range(5):
        decision = Decision(house.ask(20, kind="bin.empty", subject=f"round {round_}").id, 1, "approve")
        before = len(house.changes)

        def approve(who, decision=decision):
            return lambda session, now: decide(session, [decision], by=who.actor, now=now)[0]

        answers = together(app, approve(house.manager), approve(house.manager2), entities=[house.entity.id])
        outcomes = sorted(answer.status if isinstance(answer, Decided) else answer.why for answer in answers)
        assert outcomes == ["approved", "settled"]
        assert len(house.changes) == before + 1


def test_of_two_who_agree_at_once_without_the_lock_both_have_the_effect(app, house, monkeypatch):
    """The control: what the lock on the approval is for."""
    from onhand.approvals.models import Approval
    from onhand.approvals.services import deciding
    from sqlalchemy import select

    asked = house.ask(20, kind="bin.empty")
    read = Barrier(2, timeout=30)

    def unlocked(session, ids):
        rows = {row.id: row for row in session.scalars(select(Approval).where(Approval.id.in_(ids)))}
        read.wait()
        return rows

    monkeypatch.setattr(deciding, "locked", unlocked)
    together(
        app,
        *(
            lambda session, now, who=who: decide(session, [Decision(asked.id, 1, "approve")], by=who.actor, now=now)[0]
            for who in (house.manager, house.manager2)
        ),
        entities=[house.entity.id],
    )
    assert len(house.changes) == 2


def test_of_two_halves_asked_for_at_once_one_waits(app, house):
    for round_ in range(5):
        requests = [house.request(6, subject=f"round {round_}") for _ in range(2)]
        answers = together(
            app,
            *(lambda session, now, one=one: ask(session, [one], by=house.clerk.actor, now=now)[0] for one in requests),
            entities=[house.entity.id],
        )
        assert sorted(answer.status for answer in answers) == ["approved", "pending"]


def test_another_entitys_approvals_are_out_of_sight(house, entities):
    asked = house.ask(20)
    assert isinstance(asked, Asked)
    b = [entities[1].id]
    seen = house.transact(lambda session, now: cursor(session).execute("SELECT 1 FROM onhand.approval").fetchall(), b)
    assert seen == []
    decision = Decision(asked.id, 1, "approve")
    answer = house.transact(lambda session, now: decide(session, [decision], by=house.governor2.actor, now=now)[0], b)
    assert isinstance(answer, Refused)
    assert answer.why == "unknown"
