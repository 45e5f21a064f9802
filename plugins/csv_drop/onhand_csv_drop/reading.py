"""A file's rows as events, each with what is wrong with it. Pure: no database, no clock."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from onhand.formulas import safe
from onhand_channels.api import Outcome
from onhand_master_data.api import QUANTITY_MAX, Columns, read_rows

__all__ = ["FIELDS", "Layout", "Line", "outcome_csv", "read"]

FIELDS = {
    "sku": "SKU",
    "gtin": "GTIN, if there is no SKU",
    "quantity": "Quantity",
    "location": "Location",
    "time": "Time",
    "id": "Event id",
    "order": "Order",
}
"""What a column may mean, and what people call it."""
MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, which the reader names


@dataclass(frozen=True, slots=True)
class Layout:
    """What a file's columns mean: field → heading. `location` is meant where no column names one.

    Times without an offset are of `zone`. Without a column for ids, a row's id is the file's digest and its number:
    the same file twice is then the same events. Without one for times, all of it happened when the file was left.
    """

    channel: str
    event_type: str
    columns: Mapping[str, str]
    location: str = ""
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its number in the file (the header is 1), its cells, and either its event or what is wrong with it."""

    row: int
    cells: Mapping[str, str]
    event: dict[str, Any] | None = None
    fault: str = ""


def read(layout: Layout, data: bytes, *, digest: str, left_at: datetime) -> list[Line]:
    """Return every row as an event or with its fault; where the file as a whole is unreadable, its one fault."""
    if not data.startswith(MARKS):
        data = data.decode(errors="replace").encode()  # a row that is no UTF-8 is found by the mark left in it
    wanted = tuple(heading.lower() for heading in layout.columns.values())
    table = read_rows(data, Columns(wanted, others=True))
    faults: dict[int, list[str]] = {}
    for error in table.errors:
        faults.setdefault(error.row, []).append(f"{error.column}: {error.message}" if error.column else error.message)
    lines = {row: Line(row, {}, fault="; ".join(said)) for row, said in faults.items()}
    for row in table.rows:
        if row.number in faults:
            continue
        try:
            told = _event(layout, row.cells, f"{digest[:24]}-{row.number}", left_at)
            lines[row.number] = Line(row.number, row.cells, told)
        except ValueError as error:
            lines[row.number] = Line(row.number, row.cells, fault=str(error))
    return [lines[row] for row in sorted(lines)]


def _event(layout: Layout, cells: Mapping[str, str], derived: str, left_at: datetime) -> dict[str, Any]:
    if any("\ufffd" in cell for cell in cells.values()):
        raise ValueError("not UTF-8 here: save the file as CSV UTF-8")
    given = {field: cells[heading.lower()] for field, heading in layout.columns.items()}
    line: dict[str, Any] = {"quantity": _quantity(given["quantity"], least=0 if "report" in layout.event_type else 1)}
    line |= {field: given[field] for field in ("sku", "gtin") if given.get(field)}
    if len(line) == 1:
        raise ValueError("neither SKU nor GTIN")
    if "id" in layout.columns and not given["id"]:
        raise ValueError(f"{layout.columns['id']}: empty, so a second delivery could not be told from the first")
    time = _time(given["time"], layout.zone) if "time" in layout.columns else left_at
    data: dict[str, Any] = {"lines": [line], "location": given.get("location") or layout.location}
    if given.get("order"):
        data["order"] = given["order"]
    return {
        "specversion": "1.0",
        "id": given.get("id") or derived,
        "source": layout.channel,
        "type": layout.event_type,
        "time": time.isoformat(),
        "data": data,
    }


def _quantity(text: str, least: int) -> int:
    whole, _, part = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or part.strip("0") or not least <= int(whole) <= QUANTITY_MAX:
        raise ValueError(f"quantity {text!r} is no whole number from {least}")
    return int(whole)


def _time(text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time {text!r} is no moment like 2026-11-02T09:30:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def outcome_csv(lines: Sequence[Line], outcomes: Mapping[int, Outcome]) -> str:
    """Return what became of each row, and its cells beside it: a file that can be mended and dropped again."""
    stream = io.StringIO()
    headings = next((list(line.cells) for line in lines if line.cells), [])
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["row", "outcome", "problem", *headings])
    for line in lines:
        one = outcomes.get(line.row, Outcome(None, "refused", {"detail": line.fault}))
        problem = ": ".join(filter(None, map((one.problem or {}).get, ("title", "detail"))))
        cells = (line.row, one.outcome, problem, *(line.cells.get(heading, "") for heading in headings))
        writer.writerow([safe(cell) for cell in cells])
    return stream.getvalue()
