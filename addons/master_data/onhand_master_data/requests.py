"""Reads of change requests: lists for keyset pages, and one request whole."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from onhand.approvals.models import Approval
from onhand.db import cursor
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from onhand_master_data.models import ChangeRequest

__all__ = ["REQUEST_ORDER", "STATUSES", "find_request", "pack_history", "requests_listed"]

STATUSES = ("pending", "scheduled", "applied", "failed", "returned", "rejected", "withdrawn")
REQUEST_ORDER: Sequence[ColumnElement[Any]] = (ChangeRequest.__table__.c.id.desc(),)
# What waits for consent is as far as its approval is.
STATUS = case(
    (ChangeRequest.status == "pending", func.coalesce(Approval.status, "pending")), else_=ChangeRequest.status
)
HISTORY = """
SELECT unit, effective_from, numerator, denominator, actor FROM master_data.pack_factor WHERE item_id = %s
ORDER BY unit, effective_from DESC
"""


def requests_listed(entities: Collection[int], status: str | None = None, name: str | None = None) -> Select[Any]:
    """Return the requests that concern any of these entities."""
    table = ChangeRequest.__table__.c
    columns = [table[key] for key in table.keys() if key not in {"status", "wishes"}]  # noqa: SIM118 - no mapping
    query: Select[Any] = (
        select(*columns, STATUS.label("status"), Approval.waiting_role, Approval.evidence)
        .outerjoin(Approval, Approval.id == ChangeRequest.approval_id)
        .where(table.entities.bool_op("&&")(list(entities)))
    )
    if status:
        query = query.where(STATUS.in_([status]))
    if name:
        query = query.where(ChangeRequest.names.contains([name]))
    return query


def find_request(session: Session, id_: UUID, entities: Collection[int]) -> Any | None:
    """Return a request that concerns any of these entities, None if there is none."""
    return session.execute(requests_listed(entities).where(ChangeRequest.id == id_)).first()


def pack_history(session: Session, item_id: int) -> list[dict[str, Any]]:
    """Return what the item's packs held from when on, newest first within each unit."""
    rows = cursor(session).execute(HISTORY, (item_id,)).fetchall()
    return [
        {
            "unit": unit,
            "effective_from": at,
            "holds": "no pack" if top is None else str(top) + (f"/{bottom}" if bottom > 1 else ""),
            "actor": actor,
        }
        for unit, at, top, bottom, actor in rows
    ]
