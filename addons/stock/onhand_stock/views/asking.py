"""Who asks, what is in their reach, and the things they name."""

from typing import Any

from onhand import problems
from onhand.access import principal, scope
from onhand_master_data.api import (
    ItemName,
    LocationName,
    describe_items,
    describe_locations,
    items_by_sku,
    locations_by_code,
)
from sqlalchemy.orm import Session

from onhand_stock.listings import Reach
from onhand_stock.naming import named_movement
from onhand_stock.queries import find_entries

__all__ = ["entry_of", "known_item", "known_location", "may_at_ends", "reach"]


def reach(permission: str = "stock.read") -> Reach:
    """Return the entities of this request, and the locations of each where a permission is held."""
    known = principal()
    return {entity_id: known.locations(permission, entity_id) for entity_id in scope()}


def known_item(session: Session, sku: str) -> ItemName:
    """Return an item of the group; NotFound for what is none."""
    found = items_by_sku(session, [sku] if sku.isprintable() else [])
    if sku not in found:
        raise problems.NotFound(f"there is no item {sku!r}")
    return describe_items(session, [found[sku].id])[found[sku].id]


def known_location(session: Session, code: str, permission: str = "stock.read") -> LocationName:
    """Return a location within reach; NotFound otherwise, whatever else it may be."""
    found = locations_by_code(session, [code] if code.isprintable() else [])
    names = describe_locations(session, [location.id for location in found.values()])
    for name in names.values():
        if principal().may(permission, name.entity_id, name.id):
            return name
    raise problems.NotFound(f"there is no location {code!r} here")


def entry_of(session: Session, name: str) -> Any:
    """Return the ledger entry of a name, with an end in reach; NotFound otherwise."""
    key = named_movement(name)
    found = find_entries(session, key[0], [key[1]], reach()) if key else ()
    if not found:
        raise problems.NotFound(f"there is no ledger entry {name!r} here")
    return found[0]


def may_at_ends(permission: str, entry: Any) -> bool:
    """Say whether a permission is held wherever an entry moved units."""
    ends = {entry.from_location_id, entry.to_location_id} - {None}
    return all(principal().may(permission, entry.entity_id, location_id) for location_id in ends)
