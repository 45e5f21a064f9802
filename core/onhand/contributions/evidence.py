"""Evidence: what can be wrong, which laws hold, what is measured."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.events import Cause

__all__ = [
    "ExceptionAction",
    "ExceptionKind",
    "ExceptionSubject",
    "Invariant",
    "Kpi",
    "KpiColumn",
    "KpiKind",
    "Measure",
]


@dataclass(frozen=True, slots=True)
class ExceptionKind:
    """A kind of evidence that something is wrong.

    `still_true(session, entity_id, keys, now)` returns the causes that hold now among `keys`; None means every cause.
    `hours_policy` names the add-on's own policy of hours, per location or entity, within which it is to be resolved.
    """

    name: str
    label: str
    still_true: Callable[[Session, int, Collection[str] | None, datetime], list[Cause]]
    severity: int = 2
    hours_policy: str | None = None


@dataclass(frozen=True, slots=True)
class ExceptionSubject:
    """An open exception as add-ons see it that offer a next step.

    `kinds` are those that still hold, the severest first; `evidence` is the latest each of them was told.
    """

    id: UUID
    entity_id: int
    cause_key: str
    kinds: tuple[str, ...]
    item_id: int | None
    location_id: int | None
    quantity: int
    evidence: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ExceptionAction:
    """A next step beside an exception, for those who hold `permission` there.

    A link to `href`; with `values` (even empty) a button that posts them there. `hint` says what it does.
    """

    label: str
    href: str
    permission: str
    values: Mapping[str, str] | None = None
    icon: str = "bolt"
    hint: str = ""
    order: int = 50


@dataclass(frozen=True, slots=True)
class Invariant:
    """A law of the books as one SQL query that returns the rows breaking it; none means it holds."""

    code: str
    name: str
    explains: str
    sql: str


KpiKind = Literal["text", "code", "quantity", "seconds", "permille", "money", "time", "verdict"]


@dataclass(frozen=True, slots=True)
class KpiColumn:
    """A column of a figure, as its query names it.

    `permille` is an integer of thousandths; `money` minor units of the entity's currency; `verdict` a tone and what it
    says, `bad|beyond` say, or NULL.
    """

    key: str
    label: str
    kind: KpiKind = "text"


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure for those who answer for the whole: numbers, the query behind them, and the rows behind each.

    `sql` returns one row per group, its `key` naming it, the whole first where there is a whole; `rows_sql` returns the
    rows of the group `%(key)s`. Both are handed `entity_id`, `since`, `until` and what `prepare(session, entity_id,
    since, until)` adds; both must be bounded. `href(row)` leads from a row to its page. `explains` tells in plain words
    what is counted.
    """

    name: str
    label: str
    explains: str
    permission: str
    sql: str
    columns: tuple[KpiColumn, ...]
    rows_sql: str
    rows_columns: tuple[KpiColumn, ...]
    prepare: Callable[[Session, int, datetime, datetime], Mapping[str, Any]] | None = None
    href: Callable[[Mapping[str, Any]], str | None] | None = None
    order: int = 50


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the whole site for Prometheus, read from the database when `/metrics` is asked.

    `name` begins with `onhand_<noun>_`; one name has one explanation and one set of label names.
    """

    name: str
    explains: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
