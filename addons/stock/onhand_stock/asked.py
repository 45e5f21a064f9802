"""What was asked for and what became of it: the list of adjustments, and one of them with its trail and its entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.approvals.models import Approval, ApprovalActivity
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from onhand_stock.listings import Reach, reached
from onhand_stock.models import Adjustment, Movement

__all__ = [
    "ADJUSTMENT_ORDER",
    "STATUSES",
    "AdjustmentFilter",
    "adjustments_listed",
    "entries_made",
    "one_adjustment",
    "recounts_open",
    "trail_of",
]

A = Adjustment.__table__.c
STATUSES = ("waiting", "returned", "recount", "posted", "rejected", "withdrawn", "dropped")
ADJUSTMENT_ORDER: Sequence[ColumnElement[Any]] = (A.recorded_at.desc(), A.id.desc())
SHOWN = case(
    (A.status != "waiting", A.status),
    (Approval.__table__.c.status.in_(("returned", "rejected", "withdrawn")), Approval.__table__.c.status),
    else_="waiting",
)
"""How far a request has come: what its approval says while that decides."""


@dataclass(frozen=True, slots=True)
class AdjustmentFilter:
    """What adjustments are narrowed by; None means it does not matter."""

    status: str | None = None
    item_ids: Sequence[int] | None = None
    location_id: int | None = None


def adjustments_listed(wanted: AdjustmentFilter, within: Reach) -> Select[Any]:
    """Return adjustments within reach with their `shown` status; order them by `ADJUSTMENT_ORDER`."""
    approvals = Approval.__table__
    query: Select[Any] = (
        select(*A, SHOWN.label("shown"), approvals.c.waiting_role)
        .select_from(Adjustment.__table__.outerjoin(approvals, approvals.c.id == A.approval_id))
        .where(reached(within, A.location_id, entity=A.entity_id))
    )
    if wanted.status is not None:
        query = query.where(SHOWN.in_([wanted.status]))
    if wanted.item_ids is not None:
        query = query.where(A.item_id.in_(wanted.item_ids))
    if wanted.location_id is not None:
        query = query.where(A.location_id == wanted.location_id)
    return query


def recounts_open(session: Session, within: Reach) -> int:
    """Return how many requests wait until somebody counts again."""
    query = select(func.count()).where(A.status == "recount", reached(within, A.location_id, entity=A.entity_id))
    return session.scalar(query) or 0


def one_adjustment(session: Session, adjustment_id: UUID, within: Reach) -> Any | None:
    """Return an adjustment within reach; None where there is none."""
    return session.execute(adjustments_listed(AdjustmentFilter(), within).where(A.id == adjustment_id)).one_or_none()


def entries_made(session: Session, row: Any) -> Sequence[Any]:
    """Return the ledger entries that a request was posted as, in their order."""
    if row.posted_at is None:
        return ()
    trigger = f"count:{row.count_id}" if row.count_id is not None else f"adjustment:{row.id}"
    movements = Movement.__table__
    query = select(*movements.c).where(movements.c.recorded_at == row.posted_at, movements.c.trigger == trigger)
    return session.execute(query.order_by(movements.c.id)).all()


def trail_of(session: Session, row: Any, requester: str) -> list[tuple[datetime, str, str]]:
    """Return what was done about a request, by whom and when, in order."""
    trail = [(row.recorded_at, requester, "asked")]
    if row.recounted_at is not None:
        trail.append((row.recounted_at, row.recounted_by, f"counted again: {row.counted} in all"))
    if row.approval_id is not None:
        query = select(ApprovalActivity).where(ApprovalActivity.approval_id == row.approval_id)
        for one in session.scalars(query.order_by(ApprovalActivity.id)):
            if one.verb in SAID:
                said = SAID[one.verb] + (f": {one.note}" if one.note and one.verb != "asked" else "")
                trail.append((one.recorded_at, one.actor_name, said))
    if row.posted_at is not None:
        trail.append((row.posted_at, "", "posted"))
    if row.outcome is not None:
        trail.append((row.recounted_at or row.recorded_at, "", row.outcome))
    return sorted(trail, key=lambda one: one[0])


SAID = {
    "asked": "put before those the rules name",
    "passed": "no rule asks for consent",
    "revised": "asked for it anew",
    "approved": "approved",
    "returned": "returned",
    "rejected": "rejected",
    "withdrawn": "withdrew it",
    "outdated": "found other numbers: it is judged anew",
    "reminded": "reminded",
    "escalated": "escalated",
}
"""What an approval's activities say to people."""
