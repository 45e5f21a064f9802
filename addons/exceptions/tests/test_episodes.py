"""The decision about a cause's history, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from onhand_exceptions.episodes import Latest, decide

NOW = datetime(2026, 3, 2, tzinfo=UTC)
QUIET = timedelta(hours=24)
ID = UUID(int=1)
OPEN = Latest(ID, 1)
GONE = Latest(ID, 1, NOW - timedelta(hours=1))
GONE_LONG_AGO = Latest(ID, 1, NOW - QUIET)
BY_PERSON = Latest(ID, 1, NOW - timedelta(hours=1), by_person=True)


@pytest.mark.parametrize(
    ("latest", "fresh", "holds", "step"),
    [
        (None, True, True, "open"),
        (None, True, False, "open"),
        (None, False, True, "open"),
        (None, False, False, "leave"),
        (OPEN, False, True, "attach"),
        (OPEN, False, False, "attach"),
        (GONE, True, True, "reopen"),
        (GONE, False, True, "reopen"),
        (GONE, True, False, "attach"),
        (GONE, False, False, "leave"),
        (GONE_LONG_AGO, True, True, "open"),
        (GONE_LONG_AGO, True, False, "open"),
        (GONE_LONG_AGO, False, False, "leave"),
        (BY_PERSON, False, True, "leave"),
        (BY_PERSON, True, True, "reopen"),
        (BY_PERSON, True, False, "attach"),
    ],
)
def test_what_becomes_of_a_cause(latest, fresh, holds, step):
    assert decide(latest, fresh=fresh, holds=holds, now=NOW, quiet=QUIET) == step
