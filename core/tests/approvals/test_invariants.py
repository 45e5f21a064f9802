"""The laws of approvals hold after everything the verbs do, and find what no verb would write."""

import pytest
from onhand.approvals.invariants import INVARIANTS
from onhand.db import cursor

LAWS = {law.name: law.sql for law in INVARIANTS}


@pytest.fixture
def broken(house):
    def ask():
        return [
            name
            for name, sql in LAWS.items()
            if house.transact(lambda session, now, sql=sql: cursor(session).execute(sql).fetchall())
        ]

    return ask


def test_they_hold_after_consent_at_once_in_tiers_and_never(house, broken):
    house.ask(5)
    asked = house.ask(40)
    house.decide(asked, house.manager)
    house.decide(asked, house.governor)
    house.decide(house.ask(20, subject="no"), house.manager, "reject")
    house.ask(20, subject="waits")
    assert broken() == []


def test_one_consent_where_two_are_needed_is_found(house, broken, superuser):
    asked = house.ask(40)
    house.decide(asked, house.manager)
    superuser(
        "UPDATE onhand.approval SET status = 'approved', step = 2, waiting_role = NULL, decided_at = now() WHERE id = %s",
        asked.id,
    )
    assert broken() == ["approved_by_enough_people"]


def test_one_authority_used_twice_and_consents_to_an_older_version_are_found(house, broken, superuser):
    asked = house.ask(40)
    house.decide(asked, house.manager)
    house.decide(asked, house.governor)
    superuser(
        "UPDATE onhand.approval_activity SET for_user_id = %s WHERE user_id = %s", house.manager.id, house.governor.id
    )
    assert broken() == ["approved_by_enough_people"]
    superuser("UPDATE onhand.approval_activity SET for_user_id = NULL")
    assert broken() == []
    superuser("UPDATE onhand.approval SET version = 2")
    assert broken() == ["approved_by_enough_people"]


@pytest.mark.parametrize("column", ["user_id", "for_user_id"])
def test_ones_own_consent_is_found(house, broken, superuser, column):
    house.decide(house.ask(20), house.manager)
    superuser("ALTER TABLE onhand.approval_activity DROP CONSTRAINT approval_activity_four_eyes_check")
    try:
        superuser(f"UPDATE onhand.approval_activity SET {column} = %s WHERE verb = 'approved'", house.clerk.id)
        assert broken() == ["nobody_approves_their_own"]
    finally:
        superuser("DELETE FROM onhand.approval_activity")
        superuser(
            "ALTER TABLE onhand.approval_activity ADD CONSTRAINT approval_activity_four_eyes_check CHECK (verb <> 'approved'"
            " OR requester_user_id IS NULL OR user_id <> requester_user_id AND for_user_id IS DISTINCT FROM requester_user_id)"
        )
