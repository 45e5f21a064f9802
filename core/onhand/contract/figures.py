"""Figures and laws: queries that only read, and that end."""

import re
from collections.abc import Collection, Iterator

from onhand.contributions import ExceptionKind, Invariant, Kpi

__all__ = ["figures", "kinds", "laws"]

READS = re.compile(r"\s*(?:/\*.*?\*/\s*)?(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
LIMIT = re.compile(r"\bLIMIT\b", re.IGNORECASE)
SEVERITIES = (1, 2, 3)


def figures(found: Collection[Kpi], permissions: Collection[str]) -> Iterator[str]:
    """Yield figures of the executive view that write, have no end, or ask for a permission nobody declares."""
    for kpi in found:
        for what, sql in (("sql", kpi.sql), ("rows_sql", kpi.rows_sql)):
            if not READS.match(sql):
                yield f"{kpi.name}: {what} does not begin as a query"
            if not LIMIT.search(sql):
                yield f"{kpi.name}: {what} has no LIMIT"
        if kpi.permission not in permissions:
            yield f"{kpi.name} asks for {kpi.permission}, which nobody declares"


def laws(own: Collection[Invariant], every: Collection[Invariant]) -> Iterator[str]:
    """Yield invariants that write, and those whose name another has."""
    names = [each.name for each in every]
    for law in own:
        if not READS.match(law.sql):
            yield f"{law.code} {law.name} does not begin as a query"
        if names.count(law.name) > 1:
            yield f"{law.name} is the name of several invariants"


def kinds(found: Collection[ExceptionKind], every: Collection[ExceptionKind], hours: Collection[str]) -> Iterator[str]:
    """Yield exception kinds that another add-on has too, or whose service level no policy of hours gives."""
    names = [each.name for each in every]
    for kind in found:
        if names.count(kind.name) > 1:
            yield f"the exception kind {kind.name} is there twice"
        if kind.severity not in SEVERITIES:
            yield f"{kind.name} has severity {kind.severity}, not one of {SEVERITIES}"
        if kind.hours_policy is not None and kind.hours_policy not in hours:
            yield f"{kind.name} is to be resolved within {kind.hours_policy}, which is no policy of whole hours"
