"""Back-tests: recorded decisions are replayed through the policies in force and through a draft of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from onhand.contributions import BacktestResult, PolicyBacktest, PolicyTrial, PolicyType, PolicyValue
from onhand.db import cursor
from onhand.policies.book import PolicyBook, Where
from onhand.policies.services import PolicyChange, policy_type
from onhand.policies.values import kept, stored
from onhand.transaction import context

__all__ = ["DAYS_MAX", "ROWS_MAX", "SECONDS_MAX", "Tried", "backtest"]

DAYS_MAX = 90
ROWS_MAX = 100
SECONDS_MAX = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """What one back-test found."""

    test: PolicyBacktest
    result: BacktestResult


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads policies from one book, as of one moment."""

    types: Mapping[str, PolicyType]
    book: PolicyBook
    at: datetime

    def __call__(
        self, name: str, where: Where, facts: Mapping[str, Any] | None = None, at: datetime | None = None
    ) -> PolicyValue:
        """Return a policy's value at a place, at the reader's moment unless another is given."""
        found = self.book.find_given(name, where.key, at or self.at, facts)
        return self.types[name].default if found is None else stored(self.types[name], found.value)


def backtest(session: Session, changes: Sequence[PolicyChange], *, now: datetime, days: int) -> list[Tried]:
    """Replay what was recorded in the last days through the policies in force now, and as these changes would have them.

    Writes nothing. Covers the entities of the transaction where the test's add-on is active. Each test is bounded: by
    the rows it looks at, which it says, and by `SECONDS_MAX` per statement, beyond which the database cancels it.
    """
    if not 1 <= days <= DAYS_MAX:
        raise ValueError(f"days is 1 to {DAYS_MAX}")
    transaction = context(session)
    drafts = [
        (change.policy, change.where.key, _kept(session, change), (change.condition or "").strip() or None)
        for change in changes
    ]
    types = transaction.addons.policy_types
    live = _Reader(types, transaction.policies, now)
    draft = _Reader(types, transaction.policies.drafted(drafts, now), now)
    wanted = {change.policy for change in changes}
    cursor(session).execute("SELECT set_config('statement_timeout', %s, true)", (f"{SECONDS_MAX}s",))
    tried = []
    for noun, tests in transaction.addons.gather_by_addon("policy_backtests"):
        entities = tuple(each for each in transaction.entities if transaction.addons.active(each, noun, now))
        trial = PolicyTrial(entities, now - timedelta(days=days), now, live, draft, ROWS_MAX)
        for test in tests:
            if entities and wanted & set(test.policies):
                run = partial(test.run, session, trial)
                name = f"the back-test {test.label!r}"
                tried.append(Tried(test, transaction.addons.boundary.contributed(noun, name, run, session=session)))
    return tried


def _kept(session: Session, change: PolicyChange) -> Any:
    return None if change.value is None else kept(policy_type(session, change.policy), change.value)
