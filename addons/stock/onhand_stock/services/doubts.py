"""Doubts: what a count had seen was told after it, and the difference that the count found does not explain it.

A count that agrees with the book has no adjustment to take back. When a sale from before it is then told, the book
falls below what was counted; either the book was wrong before or the sale is, and only another count can say.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from onhand.db import cursor
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish
from onhand.transaction import context
from onhand_master_data.api import ItemName, LocationName, describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.decision import Balance, Key, unexplained_of
from onhand_stock.kinds import DERIVED_KINDS
from onhand_stock.movements import Entry
from onhand_stock.naming import movement_name
from onhand_stock.places import cause_at, places_named

__all__ = ["KIND", "Doubt", "still_true", "tell", "tell_late"]

KIND = "late_fact_after_count"
STILL_TRUE = """
/* doubt.still_true */ SELECT b.item_id, b.location_id, b.counted_at, b.count_explained - e.explained
FROM stock.balance b
CROSS JOIN LATERAL (SELECT least(greatest(b.count_explained, least(b.count_adjustment, 0)), greatest(b.count_adjustment, 0))
  AS explained) e
WHERE b.entity_id = %s AND b.counted_at IS NOT NULL AND b.count_explained <> e.explained
  AND (%s::int[] IS NULL OR (b.item_id, b.location_id) IN (SELECT * FROM unnest(%s::int[], %s::int[])))
"""


class Doubt(Struct, frozen=True):
    """The book of a place is `beyond` what was counted there (negative: below), and the document that made it so."""

    entity_id: int
    key: Key
    counted_at: datetime
    beyond: int
    document: str
    name: str


def tell_late(
    session: Session, entries: Sequence[Entry], balances: Mapping[Key, Balance], late: Collection[Key]
) -> None:
    """Raise an exception for each place of `late`, whose facts from before its count these entries told, if in doubt."""
    doubtful = {key for key in late if unexplained_of(balances[key])}
    found: dict[Key, Doubt] = {}
    for entry in entries if doubtful else ():
        for key in ((entry.item_id, entry.from_location_id or 0), (entry.item_id, entry.to_location_id or 0)):
            counted_at = balances[key].counted_at if key in doubtful else None
            if counted_at is None or entry.group.occurred_at >= counted_at or entry.kind in DERIVED_KINDS:
                continue
            name = movement_name(context(session).now, entry.id)
            found[key] = Doubt(
                entry.entity_id, key, counted_at, unexplained_of(balances[key]), entry.group.trigger, name
            )
    tell(session, list(found.values()))


def tell(session: Session, doubts: Sequence[Doubt]) -> None:
    """Raise an exception for each doubt, where somebody listens."""
    addons, now = context(session).addons, context(session).now
    for entity_id in sorted({doubt.entity_id for doubt in doubts}):
        if addons.caller("exceptions_raised", entity_id, now) is None:
            continue
        own = [doubt for doubt in doubts if doubt.entity_id == entity_id]
        items = describe_items(session, {doubt.key[0] for doubt in own})
        locations = describe_locations(session, {doubt.key[1] for doubt in own})
        causes = tuple(
            _cause(entity_id, items[one.key[0]], locations[one.key[1]], one.counted_at, one.beyond,
                   {"id": one.name, "document": one.document})
            for one in own
        )  # fmt: skip
        publish(session, ExceptionsRaised(entity_id, KIND, causes))


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:  # noqa: ARG001 - its hook hands it in
    """Return the places whose book is not what was counted and happened since. Another count settles it."""
    items, locations = places_named(keys)
    rows = cursor(session).execute(STILL_TRUE, (entity_id, items, items, locations)).fetchall()
    names = describe_items(session, {row[0] for row in rows})
    codes = describe_locations(session, {row[1] for row in rows})
    return [_cause(entity_id, names[row[0]], codes[row[1]], row[2], row[3], {}) for row in rows]


def _cause(
    entity_id: int, item: ItemName, location: LocationName, counted_at: datetime, beyond: int, evidence: dict[str, str]
) -> Cause:
    side = "above" if beyond > 0 else "below"
    title = f"facts told late left the book {abs(beyond)} {side} what was counted; count again"
    return cause_at(
        entity_id, item, location, quantity=abs(beyond), occurred_at=counted_at, title=title, evidence=evidence
    )  # fmt: skip
