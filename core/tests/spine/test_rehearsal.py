"""A dry run does all that the command does, answers what it answers, and keeps nothing."""

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.reasons.models import ReasonCode
from onhand.rehearsal import rehearse
from onhand.testing import TESTER
from sqlalchemy.exc import IntegrityError

KEPT = "SELECT count(*) FROM onhand.policy_version"


@pytest.mark.parametrize(("dry_run", "kept"), [(True, 0), (False, 1)])
def test_outcome_is_the_same_whether_kept_or_not(transact, superuser, dry_run, kept):
    def command(session, now):
        return set_policy(session, "lamp.watts", 60, Where(), by=TESTER, now=now).value

    assert rehearse(transact, command, dry_run=dry_run) == 60
    assert superuser(KEPT) == [(kept,)]


def test_what_the_database_refuses_is_refused_in_a_dry_run(transact):
    def command(session, now):
        session.add(ReasonCode(code="No Code", label="Odd", kinds=[], recorded_at=now))

    with pytest.raises(IntegrityError, match="reason_code_code_check"):
        rehearse(transact, command)
