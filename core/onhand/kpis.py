"""Figures of the executive view: what add-ons contribute, worked out for one entity and period, and as files."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from onhand.contributions import Kpi, KpiColumn
from onhand.db import driver
from onhand.formulas import safe
from onhand.transaction import context

__all__ = [
    "ROWS_EXPORTED_MAX",
    "ROWS_SHOWN_MAX",
    "Figure",
    "as_csv",
    "as_xlsx",
    "figure",
    "kpis_of",
    "rows_behind",
]

GROUPS_MAX = 200
ROWS_SHOWN_MAX = 100
ROWS_EXPORTED_MAX = 20_000
WHOLE = "*"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure worked out: its groups, the whole first."""

    kpi: Kpi
    rows: Sequence[Row]


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
    """Work a figure out, at most 200 groups."""
    given = _given(session, kpi, entity_id, since, until)
    return Figure(kpi, _rows(session, f"/* kpi {kpi.name} */ {kpi.sql}", given, GROUPS_MAX))


def rows_behind(
    session: Session, kpi: Kpi, entity_id: int, since: datetime, until: datetime, key: str = WHOLE, *, limit: int
) -> Sequence[Row]:
    """Return the rows that a group counts, at most `limit`; those of the whole for the key `*`."""
    given = _given(session, kpi, entity_id, since, until) | {"key": key, "limit": limit}
    return _rows(session, f"/* kpi {kpi.name} rows */ {kpi.rows_sql}", given, limit)


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


def _plain(value: Any) -> str | int | float | None:
    if value is None or isinstance(value, int | float | str):
        return value.partition("|")[2] if isinstance(value, str) and value.startswith(("good|", "bad|")) else value
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return float(value) if hasattr(value, "as_tuple") else str(value)
