"""What forms, files and programs have in common when they ask for adjustments."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from onhand import problems
from onhand.access import principal
from onhand.reasons.api import reasons
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.asked import entries_made, one_adjustment
from onhand_stock.naming import movement_name
from onhand_stock.services import NotAdjusted, kind_for
from onhand_stock.suggestion import Suggestion, suggest
from onhand_stock.views.asking import reach

__all__ = ["AdjustmentStale", "adjustments_on_wire", "asked_here", "choices", "may_post", "refusal", "suggested"]

GAINS, LOSSES = {"found"}, {"shrinkage", "theft", "damage", "expired", "giveaway", "internal_use", "quality"}


class AdjustmentStale(problems.Conflict):
    """The state held something else than the request said was seen; `now` says what. Nothing was done."""

    type, title = "adjustment-stale", "The numbers have moved on"


def may_post(entity_id: int, location_id: int) -> bool:
    """Say whether who asks may adjust there, so that policy may let it be done at once."""
    return principal().may("stock.adjust", entity_id, location_id)


def asked_here(session: Session, adjustment_id: UUID) -> Any:
    """Return an adjustment within reach; NotFound otherwise."""
    found = one_adjustment(session, adjustment_id, reach())
    if found is None:
        raise problems.NotFound("there is no such adjustment here")
    return found


def choices(session: Session, delta: int) -> list[tuple[str, str]]:
    """Return the reason codes that a change of this sign may be given for, with their labels."""
    return [
        (one.code, one.label)
        for one in reasons(session)
        if (not one.kinds or kind_for(delta, one.kinds) in one.kinds)
        and one.code not in (GAINS if delta < 0 else LOSSES if delta > 0 else ())
    ]


def suggested(note: str, allowed: Sequence[tuple[str, str]]) -> list[Suggestion]:
    """Return the codes a note speaks for, among those that may be given."""
    return suggest(note, among={code for code, _ in allowed})


def adjustments_on_wire(session: Session, rows: Sequence[Any], *, with_entries: bool = False) -> list[dict[str, Any]]:
    """Return rows as `AdjustmentSchema` writes them."""
    items = describe_items(session, {row.item_id for row in rows})
    places = describe_locations(session, {row.location_id for row in rows})
    return [
        {
            **row._mapping,
            "status": row.shown,
            "sku": items[row.item_id].sku,
            "location": places[row.location_id].code,
            "expected": row.seen,
            "entries": [movement_name(one.recorded_at, one.id) for one in entries_made(session, row)]
            if with_entries
            else [],
        }
        for row in rows
    ]


def refusal(answer: NotAdjusted, field: str) -> dict[str, Any]:
    """Return what keeps a request from being taken up, as the answer says it."""
    said = {"status": "refused", "why": answer.why, "field": field, "detail": answer.detail}
    return said | ({} if answer.now is None else {"now": answer.now})
