"""Nobody approves what they asked for: not in person, not by token, not through delegation, not twice, not in pieces."""

from datetime import timedelta

import pytest
from onhand.access.services import RoleAt, grant_roles, set_active
from onhand.actors import Actor
from onhand.approvals.services.delegating import DelegationRefused, NewDelegation, delegate, revoke
from onhand.db import cursor
from onhand.testing import TESTER


def stand_in(house, who, delegate_, **more):
    """Let one person approve in another's stead for a week."""

    def command(session, now):
        wish = NewDelegation(delegate_.id, now + timedelta(days=7), **more)
        return delegate(session, [wish], by=who.actor, now=now)[0].id

    return house.transact(command)


def token_of(house, token, person=None, by=None):
    """Return the actor of a fresh token for a person, or of one issued by a person for nobody."""
    token(house.entity, "bin.approve", person=person)

    def newest(session, now):
        id_, user_id = (
            cursor(session).execute("SELECT id, user_id FROM onhand.api_token ORDER BY id DESC LIMIT 1").fetchone()
        )
        return Actor("token", id_, "till", user_id)

    actor = house.transact(newest)
    if by is not None:
        sql = "INSERT INTO onhand.audit (actor, actor_name, user_id, action, subject) VALUES (%s, '', %s, 'token.issue', %s)"
        house.transact(lambda session, now: cursor(session).execute(sql, (by.actor.ref, by.id, f"token:{actor.id}")))
    return actor


def test_not_in_person(house):
    asked = house.ask(20, by=house.manager)
    refused = house.decide(asked, house.manager)
    assert (refused.why, refused.detail) == ("own_request", "you asked for it yourself: another person must decide")
    assert house.decide(asked, house.manager, "reject").why == "own_request"
    assert house.decide(asked, house.manager2).status == "approved"
    assert house.changes == [(house.bin, 20)]


def test_not_by_a_token_that_acts_for_one(house, token):
    asked = house.ask(20, by=house.manager)
    assert house.decide(asked, token_of(house, token, house.manager)).why == "own_request"


def test_not_what_one_asked_for_by_a_token(house, token):
    asked = house.ask(20, by=token_of(house, token, house.manager))
    assert house.decide(asked, house.manager).why == "own_request"


def test_a_token_that_acts_for_nobody_counts_as_who_issued_it(house, token, superuser):
    superuser("DELETE FROM onhand.audit WHERE action = 'token.issue'")
    actor = token_of(house, token)
    superuser("DELETE FROM onhand.audit WHERE action = 'token.issue'")
    superuser(
        "INSERT INTO onhand.audit (actor, actor_name, user_id, action, subject) VALUES ('', '', %s, 'token.issue', %s)",
        house.manager.id,
        f"token:{actor.id}",
    )
    asked = house.ask(20, by=actor)
    assert house.decide(asked, house.manager).why == "own_request"
    assert house.decide(asked, house.manager2).status == "approved"


def test_a_token_without_a_person_decides_nothing(house, token):
    asked = house.ask(20)
    assert house.decide(asked, token_of(house, token)).why == "nobody"
    assert house.decide(asked, TESTER).why == "nobody"


def test_not_through_whom_one_lets_stand_in(house):
    stand_in(house, house.manager, house.clerk)
    asked = house.ask(20, by=house.manager)
    refused = house.decide(asked, house.clerk)
    assert refused.why == "own_request"
    assert "Mona asked for it" in refused.detail
    other = house.ask(20, by=house.governor, subject="other")
    assert house.decide(other, house.clerk).status == "approved"


def test_not_by_standing_in_for_another(house):
    stand_in(house, house.manager, house.clerk)
    asked = house.ask(20, by=house.clerk)
    assert house.decide(asked, house.clerk).why == "own_request"


def test_not_by_a_second_role_for_a_second_tier(house):
    house.transact(
        lambda session, now: grant_roles(session, house.manager.id, [RoleAt("governance", house.entity.id)], by=TESTER)
    )
    asked = house.ask(40)
    assert house.decide(asked, house.manager).waiting_role == "governance"
    refused = house.decide(asked, house.manager)
    assert (refused.why, house.changes) == ("counted_already", [])
    assert house.decide(asked, house.governor).status == "approved"


def test_not_twice_by_standing_in_for_a_second_tier_nor_twice_with_one_authority(house):
    stand_in(house, house.governor, house.manager)
    asked = house.ask(40)
    assert house.decide(asked, house.manager).waiting_role == "governance"
    assert house.decide(asked, house.manager).why == "counted_already"
    house.transact(lambda session, now: grant_roles(session, house.governor2.id, [RoleAt("store_manager")], by=TESTER))
    stand_in(house, house.governor2, house.clerk)
    other = house.ask(40, by=house.manager2, subject="other")
    assert house.decide(other, house.clerk).waiting_role == "governance"
    assert house.decide(other, house.governor2).why == "counted_already"


def test_not_in_pieces(house):
    assert house.ask(9, by=house.manager).status == "approved"
    second = house.ask(9, by=house.manager)
    assert second.status == "pending"
    assert house.decide(second, house.manager).why == "own_request"


def test_not_by_revising_what_was_agreed(house):
    from onhand.approvals.api import Revision, revise

    asked = house.ask(40)
    house.decide(asked, house.manager)
    change = Revision(asked.id, 1, house.request(4_000))
    revised = house.transact(lambda session, now: revise(session, [change], by=house.clerk.actor, now=now)[0])
    assert house.decide(asked, house.governor).why == "changed"
    assert house.decide(revised, house.governor).why == "no_authority"


def test_the_database_itself_refuses_ones_own_consent_and_a_second_one(house):
    asked = house.ask(20, by=house.manager)

    def plant(user_id, requester):
        house.transact(
            lambda session, now: cursor(session).execute(
                "INSERT INTO onhand.approval_activity (approval_id, entity_id, version, verb, role, actor, actor_name,"
                " user_id, requester_user_id, recorded_at) VALUES (%s, %s, 1, 'approved', 'x', '', '', %s, %s, now())",
                (asked.id, house.entity.id, user_id, requester),
            )
        )

    with pytest.raises(Exception, match="four_eyes"):
        plant(house.manager.id, house.manager.id)
    plant(house.manager2.id, house.manager.id)
    with pytest.raises(Exception, match="once_key"):
        plant(house.manager2.id, house.manager.id)
    with pytest.raises(Exception, match="permission denied"):
        house.transact(lambda session, now: cursor(session).execute("UPDATE onhand.approval SET requester = 'user:0'"))
    with pytest.raises(Exception, match="permission denied"):
        house.transact(lambda session, now: cursor(session).execute("DELETE FROM onhand.approval_activity"))


def test_authority_ends_with_the_delegation_and_with_who_gave_it(house):
    made = stand_in(house, house.manager, house.clerk)
    asked = house.ask(20, by=house.governor)
    later = house.transact(lambda _, now: now + timedelta(days=8))
    assert house.decide(asked, house.clerk, at=later).why == "no_authority"
    house.transact(lambda session, now: set_active(session, house.manager.id, False, by=TESTER, now=now))
    assert house.decide(asked, house.clerk).why == "no_authority"
    house.transact(lambda session, now: set_active(session, house.manager.id, True, by=TESTER, now=now))
    assert house.transact(lambda session, now: revoke(session, [made], by=house.clerk.actor, now=now)) == []
    assert house.transact(lambda session, now: revoke(session, [made], by=house.manager.actor, now=now)) == [made]
    assert house.decide(asked, house.clerk).why == "no_authority"


def test_delegated_authority_goes_no_further_and_only_for_the_kinds_named(house):
    stand_in(house, house.manager, house.clerk, kinds=("bin.empty",))
    stand_in(house, house.clerk, house.governor)
    asked = house.ask(20, by=house.manager2)
    assert house.decide(asked, house.clerk).why == "no_authority"
    assert house.decide(asked, house.governor).why == "no_authority"
    emptying = house.ask(20, by=house.manager2, kind="bin.empty")
    assert house.decide(emptying, house.governor).why == "no_authority"
    assert house.decide(emptying, house.clerk).status == "approved"


@pytest.mark.parametrize(("wish", "field"), [
    ({"to": "manager"}, "delegate"), ({"to": None}, "delegate"), ({"days": 61}, "ends_at"), ({"days": -1}, "ends_at"),
    ({"kinds": ("bin.paint",)}, "kinds"),
])  # fmt: skip
def test_a_delegation_that_cannot_be_is_refused_by_field(house, wish, field):
    to = getattr(house, wish.get("to", "clerk")).id if wish.get("to", "clerk") else 999_999

    def command(session, now):
        made = NewDelegation(to, now + timedelta(days=wish.get("days", 7)), kinds=wish.get("kinds", ()))
        delegate(session, [made], by=house.manager.actor, now=now)

    with pytest.raises(DelegationRefused) as refused:
        house.transact(command)
    assert refused.value.field == field
