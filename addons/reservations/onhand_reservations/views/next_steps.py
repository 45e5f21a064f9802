"""What can be done about an exception where promises are at stake: offered beside it, wherever it is shown."""

from uuid import UUID

from flask import url_for
from onhand.contributions import ExceptionAction, ExceptionSubject
from onhand.db import cursor
from sqlalchemy.orm import Session

__all__ = ["next_steps"]

HOLDS_MAX = 3
AT_RISK = """
/* holds.at_risk */ SELECT h.id, h.reference FROM reservations.hold_line l JOIN reservations.hold h ON h.id = l.hold_id
WHERE l.item_id = %s AND l.location_id = %s AND l.fulfilled + l.released < l.quantity AND h.status IN ('held', 'confirmed')
GROUP BY h.id, h.reference, h.held_at ORDER BY h.held_at DESC, h.id LIMIT %s
"""
MISSING = "stock_missing"


def next_steps(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Return a release of the hold that is overdue, or of the newest holds whose units are missing."""
    if "hold_overdue" in exception.kinds:
        said = exception.evidence["hold_overdue"]
        return [_release(UUID(said["hold"]), said["reference"], "Lets the units go that were never handed over.")]
    if "shortage" in exception.kinds and exception.item_id is not None and exception.location_id is not None:
        place = (exception.item_id, exception.location_id, HOLDS_MAX)
        rows = cursor(session).execute(AT_RISK, place).fetchall()
        return [
            _release(row[0], row[1], "Its units are probably not there; the channel is free to serve it otherwise.")
            for row in rows
        ]
    return []


def _release(hold_id: UUID, reference: str, hint: str) -> ExceptionAction:
    return ExceptionAction(
        f"Release hold {reference}",
        url_for("reservations.release", hold_id=hold_id),
        "reservations.hold",
        values={"event": MISSING},
        icon="arrow-back-up",
        hint=hint,
        order=30,
    )
