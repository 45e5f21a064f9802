"""Rows of adjustments, written in one statement whatever their number."""

from collections.abc import Sequence

import msgspec
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_stock.models import Adjustment

__all__ = ["add", "keep"]

COLUMNS = tuple(Adjustment.__table__.columns.keys())
MOVING = (
    "seen", "delta", "value_minor", "status", "approval_id", "counted", "position", "recounted_at", "recounted_by",
    "count_id", "posted_at", "outcome",
)  # fmt: skip
"""What may become of a row; the rest of it never changes."""

ADD = f"""
/* adjust.add */ INSERT INTO stock.adjustment ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::stock.adjustment, %s::jsonb)
"""
KEEP = f"""
/* adjust.keep */ UPDATE stock.adjustment a SET {", ".join(f"{name} = r.{name}" for name in MOVING)}
FROM jsonb_populate_recordset(NULL::stock.adjustment, %s::jsonb) r WHERE a.id = r.id
"""


def add(session: Session, rows: Sequence[Adjustment]) -> None:
    """Add rows that belong to no session."""
    if rows:
        cursor(session).execute(ADD, (_json(rows, COLUMNS),))


def keep(session: Session, rows: Sequence[Adjustment]) -> None:
    """Write what became of rows, of this session or of none."""
    session.flush()
    if rows:
        cursor(session).execute(KEEP, (_json(rows, ("id", *MOVING)),))


def _json(rows: Sequence[Adjustment], names: Sequence[str]) -> str:
    return msgspec.json.encode([{name: getattr(row, name) for name in names} for row in rows]).decode()
