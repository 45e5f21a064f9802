"""Export for an auditor: rows as they are digested, and the blocks by which they can be verified without us."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.audit.digests import FIELDS, FORMAT, TEXTS, Sealed, Texts, moment
from onhand.audit.models import Block
from onhand.audit.trail import record
from onhand.db import cursor
from onhand.formulas import FORMULA

__all__ = ["Wanted", "escaped", "export_csv", "export_jsonl"]

FORMULA_OR_OURS = (*FORMULA, "'")
TIMEOUT_SECONDS = 900
WHERE = """
  (%(since)s::timestamptz IS NULL OR a.recorded_at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR a.recorded_at < %(until)s)
  AND (%(entity_id)s::int IS NULL OR a.entity_id = %(entity_id)s)
"""
FIRST = f"/* audit.export.first */ SELECT min(a.id) FROM onhand.audit a WHERE {WHERE}"
ROWS = f"""
/* audit.export */ SELECT {", ".join(TEXTS)} FROM onhand.audit a
WHERE a.id > %(after_id)s AND (%(last_id)s::bigint IS NULL OR a.id <= %(last_id)s) AND {WHERE} ORDER BY a.id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export: rows recorded from `since` until before `until`, of one entity; None: without that limit."""

    since: datetime | None = None
    until: datetime | None = None
    entity_id: int | None = None

    def document(self) -> dict[str, Any]:
        """Return it as the trail keeps it."""
        return {
            "from": self.since and self.since.isoformat(),
            "to": self.until and self.until.isoformat(),
            "entity_id": self.entity_id,
        }


def export_jsonl(session: Session, wanted: Wanted, stream: TextIO, *, by: Actor) -> int:
    """Write a line of JSON per block and per row, each block before its rows; return how many rows.

    Blocks go from that of the first row to the head, so that what is kept of the head vouches for all of it. That it
    was exported, what and by whom, is added to the trail.
    """
    count = 0
    for block, rows in _blocks(session, wanted):
        if block is not None:
            stream.write(json.dumps(_described(block, with_leaves=bool(rows))) + "\n")
        for texts in rows:
            row = {"type": "row", "block": block.number if block else None, **dict(zip(FIELDS, texts, strict=True))}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += len(rows)
    _tell(session, wanted, "jsonl", count, by)
    return count


def export_csv(session: Session, wanted: Wanted, stream: TextIO, blocks: TextIO, *, by: Actor) -> int:
    """Write rows as CSV that spreadsheets open safely, and the blocks as lines of JSON beside it; return how many rows.

    The escaping can be undone exactly: an apostrophe that begins a cell was put there.
    """
    count = 0
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)  # a lone \r would not be quoted
    writer.writerow([*FIELDS, "block"])
    for block, rows in _blocks(session, wanted):
        if block is not None:
            blocks.write(json.dumps(_described(block, with_leaves=bool(rows))) + "\n")
        writer.writerows([*map(escaped, texts), block.number if block else ""] for texts in rows)
        count += len(rows)
    _tell(session, wanted, "csv", count, by)
    return count


def escaped(text: str | None) -> str:
    """Return a cell that no spreadsheet takes for a formula; nothing is an empty cell, an empty text a lone apostrophe."""
    if text is None:
        return ""
    return f"'{text}" if not text or text.startswith(FORMULA_OR_OURS) else text


def _blocks(session: Session, wanted: Wanted) -> Iterator[tuple[Block | None, Sequence[Texts]]]:
    """Yield each block with its rows that are wanted, then, with None, those not sealed yet."""
    sql = cursor(session)
    sql.execute(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
    filters = {"since": wanted.since, "until": wanted.until, "entity_id": wanted.entity_id}
    [first] = sql.execute(FIRST, filters).fetchone() or (None,)
    if first is None:
        return
    after_id = 0
    chain = select(Block).where(Block.last_id >= first).order_by(Block.number).execution_options(yield_per=20)
    for block in session.scalars(chain):
        rows = sql.execute(ROWS, {**filters, "after_id": block.after_id, "last_id": block.last_id}).fetchall()
        after_id = block.last_id
        yield block, rows
        session.expunge(block)
    yield None, sql.execute(ROWS, {**filters, "after_id": max(after_id, first - 1), "last_id": None}).fetchall()


def _described(block: Block, *, with_leaves: bool) -> dict[str, Any]:
    sealed = Sealed.by(block)
    described = {
        "type": "block", "format": FORMAT, "number": sealed.number, "after_id": sealed.after_id,
        "last_id": sealed.last_id, "count": sealed.count, "sealed_at": moment(sealed.sealed_at),
        "root": sealed.root.hex(), "previous": sealed.previous.hex() if sealed.previous else None,
        "digest": block.digest.hex(),
    }  # fmt: skip
    if with_leaves:
        described["leaves"] = [[id_, leaf.hex()] for id_, leaf in zip(block.ids, block.leaves, strict=True)]
    return described


def _tell(session: Session, wanted: Wanted, form: str, count: int, by: Actor) -> None:
    after = {**wanted.document(), "format": form, "rows": count}
    record(session, by, "audit.export", "audit", after=after, entity_id=wanted.entity_id)
