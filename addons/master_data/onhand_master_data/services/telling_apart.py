"""Say of two items that look near-same that they are not: remembered, and not proposed again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.actors import Actor
from onhand.audit import record
from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services.columns import columns
from onhand_master_data.services.version import take_turn
from onhand_master_data.validation import DUPLICATE, NEAR_SAME

__all__ = ["Distinct", "near_same_to", "tell_apart", "told_apart"]

INSERT = """
/* quality.tell_apart */ INSERT INTO master_data.distinct_pair (item_id, other_id, recorded_at, actor, note)
SELECT a, b, %s, %s, note FROM unnest(%s::int[], %s::int[], %s::text[]) AS d (a, b, note) ON CONFLICT DO NOTHING
"""
FORGET = f"""
/* quality.forget */ DELETE FROM master_data.finding f USING unnest(%s::int[], %s::text[]) AS d (item_id, sku)
WHERE f.entity_id = ANY(%s) AND f.rule = '{DUPLICATE}' AND f.item_id = d.item_id AND f.message = '{NEAR_SAME}' || d.sku
"""
FOUND = f"""
/* quality.near_same */ SELECT message FROM master_data.finding
WHERE entity_id = %s AND item_id = %s AND rule = '{DUPLICATE}'
"""


@dataclass(frozen=True, slots=True)
class Distinct:
    """Two items, by their SKUs, that are not the same, and how one can tell."""

    sku: str
    other: str
    note: str | None = None


def tell_apart(session: Session, pairs: Sequence[Distinct], *, by: Actor, now: datetime) -> None:
    """Remember of pairs that they are no duplicates, all or none; what was found of them within scope is gone at once.

    Saying it twice is once. Refused names what is no item, or the same one twice.
    """
    known = queries.items_by_sku(session, [sku for pair in pairs for sku in (pair.sku, pair.other)])
    errors = [
        FieldError(index, field, "there is no such item", sku)
        for index, pair in enumerate(pairs)
        for field, sku in (("sku", pair.sku), ("other", pair.other))
        if sku not in known
    ]
    errors += [
        FieldError(index, "other", "an item is always the same as itself: name another", pair.other)
        for index, pair in enumerate(pairs)
        if pair.sku == pair.other
    ]
    if errors:
        raise Refused(errors)
    take_turn(session)
    rows = []
    for pair in pairs:
        older, younger = sorted((known[pair.sku], known[pair.other]), key=lambda item: item.id)
        rows.append((older.id, younger.id, pair.note, older.sku))
        record(session, by, "item.tell_apart", f"item:{younger.id}", None, {"other": older.sku}, pair.note)
    olders, youngers, notes, skus = columns(rows, 4)
    cursor(session).execute(INSERT, (now, by.ref, olders, youngers, notes))
    cursor(session).execute(FORGET, (youngers, skus, list(context(session).entities)))


def told_apart(session: Session) -> set[tuple[int, int]]:
    """Return the pairs of ids that are remembered, the older first."""
    return set(cursor(session).execute("SELECT item_id, other_id FROM master_data.distinct_pair").fetchall())


def near_same_to(session: Session, entity_id: int, item_id: int) -> str | None:
    """Return the SKU of the older item that this one was found to be near-same to in an entity; None if to none."""
    row = cursor(session).execute(FOUND, (entity_id, item_id)).fetchone()
    return None if row is None else str(row[0]).removeprefix(NEAR_SAME)
