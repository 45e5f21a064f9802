"""Figures of the executive view: what add-ons contribute, worked out for one entity and period, and as files."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from onhand.addons.boundary import Failure, Junk, failure_of
from onhand.addons.shown import Unshown, look_only
from onhand.contributions import Kpi, KpiColumn
from onhand.db import driver
from onhand.formulas import safe
from onhand.transaction import context

__all__ = [
    "HREF", "ROWS_EXPORTED_MAX", "ROWS_SHOWN_MAX", "Figure", "as_csv", "as_xlsx", "figure", "kpis_of", "or_failure",
    "rows_behind",
]  # fmt: skip

GROUPS_MAX = 200
ROWS_SHOWN_MAX = 100
ROWS_EXPORTED_MAX = 20_000
SECONDS_MAX = 3.0
WHOLE = "*"
HREF = "/href"
"""Where a row behind a figure says its page; no column of a query is called so."""
KINDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("quantity", "seconds", "permille", "money"), (int, float, Decimal)), "time": datetime, "verdict": str,
}  # fmt: skip

T = TypeVar("T")
Row = Mapping[str, Any]

log = structlog.get_logger("onhand.addons")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure worked out: its groups, the whole first; without any where its add-on failed, as `failure` tells."""

    kpi: Kpi
    rows: Sequence[Row]
    failure: Failure | None = None


def kpis_of(session: Session, entity_id: int, now: datetime) -> list[Kpi]:
    """Return the figures of the add-ons that are active for an entity, in their order."""
    addons = context(session).addons
    found = [
        kpi
        for noun, contributed in addons.gather_by_addon("kpis")
        if addons.entities_with(noun, [entity_id], now, draining=True)
        for kpi in contributed
    ]
    return sorted(found, key=lambda kpi: (kpi.order, kpi.name))


def figure(session: Session, kpi: Kpi, entity_id: int, since: datetime, until: datetime) -> Figure:
    """Work a figure out, at most 200 groups. What its add-on does wrong is raised in that one's name."""

    def work() -> list[Row]:
        given = _given(session, kpi, entity_id, since, until)
        return _fitting(_rows(session, f"/* kpi {kpi.name} */ {kpi.sql}", given, GROUPS_MAX), kpi.columns, "key")

    return Figure(kpi, _of_its_addon(session, kpi, work))


def rows_behind(
    session: Session, kpi: Kpi, entity_id: int, since: datetime, until: datetime, key: str = WHOLE, *, limit: int
) -> Sequence[Row]:
    """Return the rows that a group counts, at most `limit`; those of the whole for the key `*`.

    Under `HREF` each has the address of its page, or None. What the add-on does wrong is raised in its name.
    """

    def work() -> list[Row]:
        given = _given(session, kpi, entity_id, since, until) | {"key": key, "limit": limit}
        rows = _fitting(_rows(session, f"/* kpi {kpi.name} rows */ {kpi.rows_sql}", given, limit), kpi.rows_columns)
        return [{**row, HREF: kpi.href(row) if kpi.href else None} for row in rows]

    return _of_its_addon(session, kpi, work)


def or_failure(session: Session, kpi: Kpi, work: Callable[[], Figure]) -> Figure:
    """Return a figure to show, or how its add-on failed: no statement takes longer than three seconds, none writes."""
    try:
        return look_only(session, work, seconds_max=SECONDS_MAX)
    except Unshown as error:
        failure = failure_of(error)
        if failure is None:
            raise
        log.warning("figure_left_out", addon=failure.noun, figure=kpi.name, error=failure.error)
        return Figure(kpi, (), failure)


def as_csv(columns: Sequence[KpiColumn], rows: Iterable[Row]) -> bytes:
    """Return rows as CSV that a spreadsheet opens safely."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_MINIMAL)
    writer.writerow([column.label for column in columns])
    writer.writerows([safe(_plain(row[column.key])) for column in columns] for row in rows)
    return stream.getvalue().encode()


def as_xlsx(columns: Sequence[KpiColumn], rows: Iterable[Row], title: str) -> bytes:
    """Return rows as a workbook; text is written as text, never as a formula or a link."""
    from xlsxwriter import Workbook

    stream = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = Workbook(stream, options)
    sheet = book.add_worksheet("".join(letter for letter in title if letter not in "[]:*?/\\'")[:31] or "Figures")
    sheet.write_row(0, 0, [column.label for column in columns], book.add_format({"bold": True}))
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows, start=1):
        for place, column in enumerate(columns):
            value = _plain(row[column.key])
            if isinstance(value, str):
                sheet.write_string(number, place, value)
            elif value is not None:
                sheet.write_number(number, place, value)
    sheet.autofit()
    book.close()
    return stream.getvalue()


def _given(session: Session, kpi: Kpi, entity_id: int, since: datetime, until: datetime) -> dict[str, Any]:
    more = kpi.prepare(session, entity_id, since, until) if kpi.prepare else {}
    return {"entity_id": entity_id, "since": since, "until": until, **more}


def _rows(session: Session, sql: str, given: Mapping[str, Any], limit: int) -> list[Row]:
    answer = driver(session).cursor().execute(sql, given)
    names = [column.name for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchmany(limit)]


def _of_its_addon(session: Session, kpi: Kpi, work: Callable[[], T]) -> T:
    addons = context(session).addons
    noun = next(noun for noun, contributed in addons.gather_by_addon("kpis") if kpi in contributed)
    return addons.boundary.contributed(noun, f"the figure {kpi.name}", work, session=session)


def _fitting(rows: list[Row], columns: Sequence[KpiColumn], *more: str) -> list[Row]:
    """Return rows that can be shown; Junk where one lacks a column, or holds what its column cannot."""
    for row in rows:
        if missing := {*more, *(column.key for column in columns)} - {*row}:
            raise Junk(f"the query returns no {', '.join(sorted(missing))}")
        for column in columns:
            found, kind = row[column.key], KINDS.get(column.kind)
            if found is not None and kind is not None and not isinstance(found, kind):
                raise Junk(f"{column.key} is to be {column.kind}, and is {found!r:.50}")
            if column.kind == "verdict" and found is not None and "|" not in found:
                raise Junk(f"{column.key} is to be a tone, | and words, and is {found!r:.50}")
    return rows


def _plain(value: Any) -> str | int | float | None:
    if value is None or isinstance(value, int | float | str):
        return value.partition("|")[2] if isinstance(value, str) and value.startswith(("good|", "bad|")) else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return float(value) if hasattr(value, "as_tuple") else str(value)
