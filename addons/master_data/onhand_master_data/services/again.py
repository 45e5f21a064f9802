"""A request seen against the world of now: what it would change, and the change itself."""

from collections.abc import Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.approvals.api import Change
from sqlalchemy.orm import Session

from onhand_master_data.models import ChangeRequest
from onhand_master_data.services.items import carry_out, judged_items
from onhand_master_data.services.locations import carry_out_places, judged
from onhand_master_data.services.merging import merged
from onhand_master_data.services.units import judged_names, rename_units
from onhand_master_data.services.wishes import differences_of_item, differences_of_place, read
from onhand_master_data.values import ItemChange, ItemDraft, ItemMerge, LocationChange, UnitChange

__all__ = ["carried_out", "differences_now"]


def differences_now(session: Session, row: ChangeRequest, *, now: datetime) -> list[tuple[str, Change]]:
    """Return what a request would change now; Refused where it can no longer be done. Writes nothing."""
    items, places, names = _wishes(session, row, now)
    if items:
        wanted = judged_items(session, items, now=now, is_decided=True)
        return [line for want in wanted for line in differences_of_item(want)]
    if places:
        pairs = zip(*judged(session, places), strict=True)
        return [line for before, after in pairs for line in differences_of_place(before, after)]
    renamed = zip(*judged_names(session, names), strict=True)
    return [line for before, after in renamed for line in differences_of_place(before, after)]


def carried_out(session: Session, row: ChangeRequest, *, by: Actor, now: datetime) -> None:
    """Change what was asked for; Refused where it can no longer be done, and then nothing is."""
    items, places, names = _wishes(session, row, now)
    if items:
        at = row.effective_at if row.effective_at is not None and row.effective_at > row.requested_at else None
        carry_out(session, items, by=by, now=now, effective_from=at)
    elif places:
        carry_out_places(session, places, by=by, now=now, is_decided=True)
    else:
        _, wanted = judged_names(session, names)
        rename_units(session, {unit.code: unit.name for unit in wanted}, by=by, now=now, is_decided=True)


def _wishes(
    session: Session, row: ChangeRequest, now: datetime
) -> tuple[list[ItemChange | ItemDraft], Sequence[LocationChange], Sequence[UnitChange]]:
    wishes = [read(row.subject, document) for document in row.wishes]
    merges = [wish for wish in wishes if isinstance(wish, ItemMerge)]
    return (
        [
            *(wish for wish in wishes if isinstance(wish, (ItemChange, ItemDraft))),
            *(merged(session, merges, now=now) if merges else ()),
        ],
        [wish for wish in wishes if isinstance(wish, LocationChange)],
        [wish for wish in wishes if isinstance(wish, UnitChange)],
    )
