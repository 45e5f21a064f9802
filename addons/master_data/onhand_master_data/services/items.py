"""Verbs over items: create, change, and both in one list."""

from collections.abc import Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.audit import record
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services.authorities import demand_authority
from onhand_master_data.services.in_use import items_in_use
from onhand_master_data.services.item_rows import write
from onhand_master_data.services.item_rules import Wanted, faults, wanted_of
from onhand_master_data.services.version import take_turn
from onhand_master_data.values import Item, ItemChange, ItemDraft

__all__ = [
    "carry_out", "concerned", "create_items", "facts", "judged_items", "save_items", "update_items", "write_items",
]  # fmt: skip


def create_items(session: Session, drafts: Sequence[ItemDraft], *, by: Actor, now: datetime) -> list[Item]:
    """Create items, all or none: Refused names every field at fault. A SKU or GTIN that exists is a conflict."""
    return save_items(session, drafts, by=by, now=now)


def update_items(session: Session, changes: Sequence[ItemChange], *, by: Actor, now: datetime) -> list[Item]:
    """Change items, all or none: Refused names every field at fault.

    A change must lie within the transaction's entities: what an item is called takes one entity that stocks it, and
    who stocks it takes each entity added or removed.
    """
    return save_items(session, changes, by=by, now=now)


def save_items(session: Session, rows: Sequence[ItemDraft | ItemChange], *, by: Actor, now: datetime) -> list[Item]:
    """Create each draft and make each change, all or none, in a constant number of statements; return them in order.

    NotAuthoritative where another system is named for the item master of an entity that stocks what would change. A GTIN
    may move from one item of the list to another. Whoever stocks an item today keeps its stock and ledger
    whatever changes here: only the names by which it is found change.
    """
    if not rows:
        return []
    take_turn(session)
    wanted = judged_items(session, rows, now=now)
    demand_authority(session, "item_master", concerned(session, wanted), by=by, now=now)
    return write_items(session, wanted, by=by, now=now)


def carry_out(
    session: Session,
    rows: Sequence[ItemDraft | ItemChange],
    *,
    by: Actor,
    now: datetime,
    effective_from: datetime | None = None,
) -> list[Item]:
    """Do what `save_items` does with what others agreed to: neither authority nor reach is asked about again.

    Packs of items in use change from `effective_from` on, now unless said.
    """
    take_turn(session)
    wanted = judged_items(session, rows, now=now, is_decided=True)
    return write_items(session, wanted, by=by, now=now, effective_from=effective_from)


def judged_items(
    session: Session, rows: Sequence[ItemDraft | ItemChange], *, now: datetime, is_decided: bool = False
) -> list[Wanted]:
    """Return what a list makes of items, in its order; Refused names every field at fault. Writes nothing."""
    known = queries.items_by_sku(session, [row.sku for row in rows if isinstance(row, ItemChange)])
    unknown = [
        FieldError(index, "sku", "there is no such item", row.sku)
        for index, row in enumerate(rows)
        if isinstance(row, ItemChange) and row.sku not in known
    ]
    wanted = [
        wanted_of(index, row, known[row.sku] if isinstance(row, ItemChange) else None)
        for index, row in enumerate(rows)
        if isinstance(row, ItemDraft) or row.sku in known
    ]
    errors = [*unknown, *faults(session, wanted, now=now, is_decided=is_decided)]
    if errors:
        raise Refused(sorted(errors, key=lambda error: error.index))
    return wanted


def write_items(
    session: Session, wanted: Sequence[Wanted], *, by: Actor, now: datetime, effective_from: datetime | None = None
) -> list[Item]:
    """Write what was judged, and may be written, under the turn that the caller has taken."""
    if not wanted:
        return []
    repacked = [want.before for want in wanted if want.before and want.before.packs != want.packs]
    used = items_in_use(session, repacked, queries.ids_by_entity(session), now) if repacked else {}
    items = write(session, wanted, dict.fromkeys(used, effective_from or now), by, now)
    for want, item in zip(wanted, items, strict=True):
        _audit(session, by, want.before, item)
    return items


def concerned(session: Session, wanted: Sequence[Wanted]) -> dict[int, str]:
    """Return the entities whose item master the list changes, each with an item of it.

    Those that stock the item, before or after; one that nobody stocks concerns everyone in scope.
    """
    ids = queries.ids_by_entity(session)
    found: dict[int, str] = {}
    for want in wanted:
        if want.before is not None and want.before == want.as_item(want.before.id):
            continue
        stocked = {*want.entities, *(want.before.entities if want.before else ())}
        for entity_id in [ids[code] for code in stocked] or context(session).entities:
            found.setdefault(entity_id, f"item {want.sku}")
    return found


def _audit(session: Session, by: Actor, before: Item | None, after: Item) -> None:
    new = facts(after)
    if before is None:
        record(session, by, "item.create", f"item:{after.id}", None, new)
        return
    old = facts(before)
    changed = [name for name in new if new[name] != old[name]]
    if changed:
        record(
            session,
            by,
            "item.change",
            f"item:{after.id}",
            {name: old[name] for name in changed},
            {name: new[name] for name in changed},
        )


def facts(item: Item) -> dict[str, object]:
    """Return an item as the audit trail and differences tell it."""
    return {
        "sku": item.sku,
        "name": item.name,
        "base_unit": item.base_unit,
        "category": item.category,
        "active": item.active,
        "survivor": item.survivor,
        "entities": list(item.entities),
        "packs": [f"{pack.unit}={pack.numerator}/{pack.denominator}" for pack in item.packs],
        "barcodes": [
            barcode.gtin if barcode.unit is None else f"{barcode.gtin} {barcode.unit}" for barcode in item.barcodes
        ],
    }
