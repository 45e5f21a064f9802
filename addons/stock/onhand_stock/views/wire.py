"""Rows as the schemas write them: with the codes that people know."""

from collections.abc import Iterable, Sequence
from typing import Any

from onhand_master_data.api import ItemName, LocationName, describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.naming import movement_name
from onhand_stock.queries import BalanceRow

__all__ = ["balances_on_wire", "entries_on_wire"]


def balances_on_wire(session: Session, rows: Sequence[BalanceRow]) -> list[dict[str, Any]]:
    """Return balances as `BalanceSchema` writes them."""
    items = describe_items(session, {row.item_id for row in rows})
    locations = describe_locations(session, {row.location_id for row in rows})
    return [
        {
            "sku": items[row.item_id].sku,
            "location": locations[row.location_id].code,
            "unit": items[row.item_id].base_unit,
            "on_hand": row.on_hand,
            "states": row.states,
        }
        for row in rows
    ]


def entries_on_wire(session: Session, entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return ledger entries as `MovementSchema` writes them."""
    items = describe_items(session, {entry.item_id for entry in entries})
    locations = describe_locations(session, set(_places(entries)))
    return [_entry(entry, items[entry.item_id], locations) for entry in entries]


def _places(entries: Iterable[Any]) -> Iterable[int]:
    for entry in entries:
        yield from (place for place in (entry.from_location_id, entry.to_location_id) if place is not None)


def _entry(entry: Any, item: ItemName, locations: dict[int, LocationName]) -> dict[str, Any]:
    def end(place: int | None, state: str, after: int | None) -> dict[str, Any]:
        return {"location": None if place is None else locations[place].code, "state": state, "after": after}

    return {
        **entry._mapping,
        "id": movement_name(entry.recorded_at, entry.id),
        "sku": item.sku,
        "from_": end(entry.from_location_id, entry.from_state, entry.from_after),
        "to": end(entry.to_location_id, entry.to_state, entry.to_after),
        "document": entry.trigger,
        "reverses": None if entry.reverses_id is None else movement_name(entry.reverses_at, entry.reverses_id),
    }
