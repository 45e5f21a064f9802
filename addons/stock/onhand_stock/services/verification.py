"""Run every installed add-on's invariants over all entities in scope, and keep what was found."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from time import perf_counter
from typing import Any

from msgspec import Struct
from onhand.contributions import Invariant
from onhand.db import cursor, driver
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_stock.models import Verification

__all__ = ["Finding", "verify"]

EXAMPLES_MAX = 5
TIMEOUT_SECONDS = 900


class Finding(Struct, frozen=True):
    """One invariant's outcome: how many rows break it (0 is good), and a few of them."""

    code: str
    name: str
    explains: str
    differences: int
    seconds: float
    examples: tuple[dict[str, Any], ...]


def verify(session: Session, *, now: datetime, told: Callable[[Finding], None] | None = None) -> list[Finding]:
    """Check every invariant of every installed add-on and keep the outcome; `told` hears of each as it ends.

    Sees the entities of the transaction's scope, so run it over all of them.
    """
    cursor(session).execute(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
    cursor(session).execute("SET LOCAL work_mem = '128MB'")
    findings: list[Finding] = []
    for invariant in context(session).addons.gather("invariants"):
        findings.append(_check(session, invariant))
        if told:
            told(findings[-1])
    session.add(
        Verification(
            recorded_at=now,
            differences=sum(finding.differences for finding in findings),
            seconds=sum(finding.seconds for finding in findings),
            findings=[
                {
                    "code": one.code,
                    "name": one.name,
                    "explains": one.explains,
                    "differences": one.differences,
                    "seconds": one.seconds,
                    "examples": list(one.examples),
                }
                for one in findings
            ],
        )
    )
    return findings


def _check(session: Session, invariant: Invariant) -> Finding:
    started = perf_counter()
    sql = driver(session).cursor()
    sql.execute(invariant.sql)
    names = [column.name for column in sql.description or ()]
    rows = sql.fetchmany(EXAMPLES_MAX)
    count = sql.rowcount
    examples = tuple({name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows)
    return Finding(
        invariant.code, invariant.name, invariant.explains, count, round(perf_counter() - started, 4), examples
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON carries it; PostgreSQL's sums of integers are whole numbers again."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value if isinstance(value, int | str | bool) or value is None else str(value)
