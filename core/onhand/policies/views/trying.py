"""What pages and resources say of back-tests: run in a transaction of their own, since a long one is cancelled."""

from collections.abc import Sequence

import psycopg
import structlog

from onhand.access import in_scope
from onhand.addons import failure_of
from onhand.policies.backtesting import DAYS_MAX, SECONDS_MAX, Tried, backtest
from onhand.policies.services import PolicyChange
from onhand.web import asked, whole_number

__all__ = ["DAYS", "asked_days", "tried_on", "tried_or_told"]

DAYS = 7

log = structlog.get_logger("onhand.policies")


def asked_days() -> int:
    """Return the days that a page was asked to look back: 7 unless said, 90 at most."""
    days = whole_number(asked("days") or "", 3)
    return DAYS if days is None else min(max(days, 1), DAYS_MAX)


def tried_on(changes: Sequence[PolicyChange], days: int) -> tuple[list[Tried], str | None]:
    """Return what back-tests find for changes over the last days, or why there is no answer."""
    if not changes:
        return [], None
    try:
        return in_scope(lambda session, now: backtest(session, changes, now=now, days=days)), None
    except psycopg.errors.QueryCanceled:
        return [], f"Looking back {days} days takes longer than {SECONDS_MAX} s. Ask for fewer days."


def tried_or_told(changes: Sequence[PolicyChange], days: int) -> tuple[list[Tried], str | None]:
    """Return what back-tests find, or why there is no answer: for a page, which the failing of one is not to take away."""
    try:
        return tried_on(changes, days)
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        log.warning("backtest_left_out", addon=failure.noun, error=failure.error)
        return [], f"It could not be tried on the past: {failure.outline}. It can be set all the same."
