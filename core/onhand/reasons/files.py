"""Reason codes as a file: `code,label,help,kinds,owner,retired`, there and back."""

import csv
import io
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access.models import User
from onhand.actors import Actor
from onhand.contributions import Exporter, Importer, ImportReport, RowError
from onhand.problems import ImportRefused
from onhand.reasons.models import ReasonCode
from onhand.reasons.services import ReasonDraft, ReasonRefused, reinstate, retire, save

__all__ = ["EXPORTER", "IMPORTER"]

REQUIRED = ("code", "label")
OPTIONAL = ("help", "kinds", "owner", "retired")
ROWS_MAX = 2_000
YES, NO = {"yes", "true", "1"}, {"", "no", "false", "0"}
EXPORT = """
SELECT reason.code, reason.label, reason.help, array_to_string(reason.kinds, '|') AS kinds,
  coalesce(owner.username, '') AS owner, CASE WHEN reason.retired_at IS NULL THEN '' ELSE 'yes' END AS retired
FROM onhand.reason_code AS reason LEFT JOIN onhand."user" AS owner ON owner.id = reason.owner_user_id
ORDER BY reason.code
"""


def import_reasons(session: Session, data: bytes, by: Actor, now: datetime) -> ImportReport:
    """Add the codes that are new and change the others, all or none. A column that is absent leaves what it names as it is.

    Importing the same file twice changes nothing more. Raises ImportRefused with what is wrong, by row and column.
    """
    rows = _read(data)
    known = {row.code: row for row in session.scalars(select(ReasonCode))}
    people = {row.username: row.id for row in session.execute(select(User.username, User.id))}
    errors: list[RowError] = []
    drafts: list[ReasonDraft] = []
    ends: list[str] = []
    begins: list[str] = []
    for number, cells in rows:
        drafts.append(_draft(number, cells, known.get(cells["code"]), people, errors))
        wish = cells.get("retired", "").lower()
        if "retired" in cells and wish not in YES | NO:
            errors.append(RowError(number, "retired", "yes or no", cells["retired"]))
        elif "retired" in cells:
            (ends if wish in YES else begins).append(cells["code"])
    before = {code: row.version for code, row in known.items()}
    if errors:
        raise ImportRefused(ImportReport(len(rows), errors=tuple(errors)))
    try:
        saved = save(session, drafts, by=by, now=now)
        retire(session, ends, by=by, now=now)
        reinstate(session, begins, by=by, now=now)
    except ReasonRefused as refused:
        number, cells = rows[refused.position]
        error = RowError(number, refused.field, str(refused), cells.get(refused.field, ""))
        raise ImportRefused(ImportReport(len(rows), errors=(error,))) from None
    created = sum(row.code not in before for row in saved)
    updated = sum(row.code in before and row.version != before[row.code] for row in saved)
    return ImportReport(len(rows), created, updated)


def _draft(
    number: int, cells: dict[str, str], known: ReasonCode | None, people: dict[str, int], errors: list[RowError]
) -> ReasonDraft:
    owner = known.owner_user_id if known and "owner" not in cells else None
    if cells.get("owner"):
        owner = people.get(cells["owner"].lower())
        if owner is None:
            errors.append(RowError(number, "owner", "there is no user of that name", cells["owner"]))
    kinds = (
        tuple(part.strip() for part in cells["kinds"].split("|") if part.strip())
        if "kinds" in cells
        else tuple(known.kinds if known else ())
    )
    return ReasonDraft(cells["code"], cells["label"], cells.get("help", known.help if known else ""), kinds, owner)


def _read(data: bytes) -> list[tuple[int, dict[str, str]]]:
    """Return (row number, cells by column) of a CSV file in UTF-8, the header being row 1."""

    def refuse(column: str, message: str, row: int = 1) -> ImportRefused:
        return ImportRefused(ImportReport(0, errors=(RowError(row, column, message),)))

    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise refuse("", f"this is no CSV file in UTF-8: {error}") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    if missing := [name for name in REQUIRED if name not in header]:
        raise refuse(missing[0], f"the file needs the column {missing[0]}")
    if unknown := [name for name in header if name not in (*REQUIRED, *OPTIONAL)]:
        raise refuse(unknown[0], f"no such column; there are: {', '.join((*REQUIRED, *OPTIONAL))}")
    if len(set(header)) != len(header):
        raise refuse(header[0], "a column is named twice")
    rows = [(number, line) for number, line in enumerate(lines[1:], 2) if any(cell.strip() for cell in line)]
    if len(rows) > ROWS_MAX:
        raise refuse("", f"more than {ROWS_MAX} rows")
    for number, line in rows:
        if len(line) != len(header):
            raise refuse("", f"{len(line)} cells, but {len(header)} columns", number)
    return [(number, dict(zip(header, map(_plain, line), strict=True))) for number, line in rows]


def _plain(cell: str) -> str:
    """Take back the apostrophe that export puts before what a spreadsheet would take for a formula."""
    text = cell.strip()
    return text[1:] if text.startswith(("'=", "'+", "'-", "'@")) else text


IMPORTER = Importer(
    "reasons", "code, label; optional: help, kinds (write_off|markdown), owner, retired (yes)", import_reasons
)
EXPORTER = Exporter("reasons", "all reason codes: code, label, help, kinds, owner, retired", EXPORT)
