"""What is in use already, and by whom: from then on it changes by request."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from onhand.db import cursor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data.values import Item, Location, Use

__all__ = ["items_in_use", "locations_in_use", "units_in_use", "uses_of"]

UNSEEN = "stocked beyond what you may see"


def uses_of(
    session: Session, items: Collection[int], locations: Collection[int], entities: Iterable[int], now: datetime
) -> list[Use]:
    """Return where these entities use items and locations, as the add-ons that are active there tell."""
    if not items and not locations:
        return []
    addons = context(session).addons
    found: list[Use] = []
    for entity_id in entities:
        found += addons.gather_for(
            "uses", entity_id, now, session=session, item_ids=sorted(items), location_ids=sorted(locations)
        )
    return found


def items_in_use(session: Session, items: Sequence[Item], ids: dict[str, int], now: datetime) -> dict[int, list[Use]]:
    """Return the uses of items that have any. One that an entity beyond reach stocks counts as used: nobody can tell."""
    scope = context(session).entities
    found: dict[int, list[Use]] = {}
    for use in uses_of(session, {item.id for item in items}, (), scope, now):
        found.setdefault(use.id, []).append(use)
    for item in items:
        for code in item.entities:
            if ids[code] not in scope:
                found.setdefault(item.id, []).append(Use("item", item.id, ids[code], UNSEEN, 0))
    return found


def locations_in_use(session: Session, locations: Sequence[Location], now: datetime) -> dict[int, list[Use]]:
    """Return the uses of locations that have any."""
    found: dict[int, list[Use]] = {}
    for use in uses_of(session, (), {location.id for location in locations}, context(session).entities, now):
        found.setdefault(use.id, []).append(use)
    return found


def units_in_use(session: Session, codes: Collection[str]) -> dict[str, int]:
    """Return how many items count or pack in units, where any does."""
    rows = cursor(session).execute(
        "SELECT unit, count(DISTINCT item_id) FROM (SELECT base_unit AS unit, id AS item_id FROM master_data.item"
        " WHERE base_unit = ANY(%(codes)s) UNION ALL SELECT unit, item_id FROM master_data.pack WHERE unit = ANY(%(codes)s)"
        ") AS used GROUP BY unit",
        {"codes": list(codes)},
    )
    return dict(rows.fetchall())
