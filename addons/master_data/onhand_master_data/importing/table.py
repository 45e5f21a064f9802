"""A CSV file as rows of named cells, or everything that is wrong with it."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from onhand.contributions import ImportReport, RowError, RowOutcome
from onhand.problems import ImportRefused

from onhand_master_data.refusals import FieldError

__all__ = ["BYTES_MAX", "ROWS_MAX", "Columns", "Row", "Table", "outcome", "parse", "parts", "read_rows", "row_errors"]

BYTES_MAX = 8 * 1024 * 1024
ROWS_MAX = 20_000  # what fits the time that one transaction of a web process may take
CELL_CHARACTERS_MAX = 2_000
SHOWN_CHARACTERS_MAX = 80
HEADER = 1
UTF_16 = (b"\xff\xfe", b"\xfe\xff")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a file must have and may have. What is absent is left as it is; an empty cell empties the field.

    Others are faults, unless `others`: then they are read like the rest.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    others: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row's number in the file (the header is 1) and its cells by column, trimmed."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What was read, and what could not be."""

    rows: tuple[Row, ...]
    errors: tuple[RowError, ...]


def read_rows(data: bytes, columns: Columns) -> Table:
    """Read UTF-8 CSV with a header, separated by commas, semicolons or tabs. Nothing is guessed, nothing is skipped."""
    text, fault = _decode(data)
    if fault is not None:
        return Table((), (fault,))
    records, fault = _records(text)
    if fault is not None:
        return Table((), (fault,))
    if not records:
        return Table((), (RowError(HEADER, "", "the file is empty: its first row names the columns"),))
    if len(records) - 1 > ROWS_MAX:
        message = f"{len(records) - 1} rows; a file has at most {ROWS_MAX}: split it"
        return Table((), (RowError(HEADER, "", message),))
    header = [cell.strip().lower() for cell in records[0]]
    faults = _header_faults(header, columns)
    if faults:
        return Table((), tuple(faults))
    return _rows(header, records[1:])


def parse(row: Row, column: str, read: Callable[[str], T], errors: list[RowError], empty: T) -> T:
    """Return what `read` makes of a cell, `empty` for an empty one; a ValueError it raises is one more error."""
    text = row.cells.get(column, "")
    if not text:
        return empty
    try:
        return read(text)
    except ValueError as error:
        errors.append(RowError(row.number, column, str(error), shown(text)))
        return empty


def parts(text: str) -> list[str]:
    """Return the parts of a cell that lists several, separated by bars."""
    return [part.strip() for part in text.split("|") if part.strip()]


def shown(text: str) -> str:
    """Cut a value short enough to be quoted."""
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "…"


def outcome(
    table: Table,
    errors: Iterable[RowError],
    created: int = 0,
    updated: int = 0,
    outcomes: Sequence[RowOutcome] = (),
) -> ImportReport:
    """Return the report; raise ImportRefused, so that nothing of the file is kept, when there is any error."""
    found = sorted([*table.errors, *errors], key=lambda error: error.row)
    requested = sum(each.outcome == "requested" for each in outcomes)
    report = ImportReport(len(table.rows), created, updated, tuple(found), requested, tuple(outcomes))
    if found:
        raise ImportRefused(report)
    return report


def row_errors(rows: Sequence[Row], errors: Iterable[FieldError]) -> list[RowError]:
    """Return a verb's errors as errors of the rows its list was made from; fields are named as columns are."""
    return [RowError(rows[error.index].number, error.field, error.message, shown(error.value)) for error in errors]


def _decode(data: bytes) -> tuple[str, RowError | None]:
    if len(data) > BYTES_MAX:
        return "", RowError(HEADER, "", f"the file has {len(data)} bytes; at most {BYTES_MAX} are taken: split it")
    if data.startswith(UTF_16):
        return "", RowError(HEADER, "", "the file is UTF-16: save it as CSV UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        return "", RowError(row, "", "the file is not UTF-8 here: save it as CSV UTF-8")
    if "\x00" in text:
        row = text.count("\n", 0, text.index("\x00")) + 1
        return "", RowError(row, "", "a NUL character: this is no text file")
    return text, None


def _records(text: str) -> tuple[list[list[str]], RowError | None]:
    head = text[: text.find("\n") + 1] or text
    delimiter = max(",;\t", key=head.count)
    records: list[list[str]] = []
    try:
        # One by one, so that the error knows after how many good rows it came.
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            records.append(record)  # noqa: PERF402 - stops at what cannot be read
    except csv.Error as error:
        message = f"this row cannot be read ({error}): check its quotes"
        return [], RowError(len(records) + 1, "", message)
    return records, None


def _header_faults(header: Sequence[str], columns: Columns) -> list[RowError]:
    known = (*columns.required, *columns.optional)
    faults = [
        RowError(HEADER, name, f"no such column; known are {', '.join(known)}", shown(name))
        for name in header
        if name not in known and not columns.others
    ]
    faults += [
        RowError(HEADER, name, "the column is there twice") for name in sorted(set(header)) if header.count(name) > 1
    ]
    faults += [RowError(HEADER, name, "the column is missing") for name in columns.required if name not in header]
    return faults


def _rows(header: Sequence[str], records: Sequence[list[str]]) -> Table:
    rows: list[Row] = []
    errors: list[RowError] = []
    for number, record in enumerate(records, start=HEADER + 1):
        if not any(cell.strip() for cell in record):
            continue
        if len(record) != len(header):
            errors.append(RowError(number, "", f"{len(record)} cells where the header has {len(header)}"))
            continue
        cells = dict(zip(header, (cell.strip() for cell in record), strict=True))
        errors += [
            RowError(number, name, f"more than {CELL_CHARACTERS_MAX} characters", shown(cell))
            for name, cell in cells.items()
            if len(cell) > CELL_CHARACTERS_MAX
        ]
        rows.append(Row(number, cells))
    return Table(tuple(rows), tuple(errors))
