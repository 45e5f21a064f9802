"""Stopped by people, for a recall or a stock-take say: nothing new is promised or marked down. The ledger's own guard."""

from collections.abc import Sequence
from datetime import datetime

from onhand.policies.book import Where
from onhand.policies.services import resolve_many
from onhand.transaction import context
from onhand_master_data.api import describe_items
from sqlalchemy.orm import Session

from onhand_stock.movements import Group, Objection
from onhand_stock.settings import STOPPED

__all__ = ["objections"]


def objections(session: Session, groups: Sequence[Group], now: datetime) -> list[Objection]:
    """Object to intents on what the policy `stock.stopped` covers. Where nobody ever set it, memory is all that is asked."""
    if not context(session).policies.is_set(STOPPED):
        return []
    asked = [(group.key, move) for group in groups for move in group.moves]
    places = [
        Where(item_id=move.item_id, location_id=move.from_location_id, entity_id=move.entity_id) for _, move in asked
    ]
    values = resolve_many(session, STOPPED, places, at=now)
    found = [pair for pair, is_stopped in zip(asked, values, strict=True) if is_stopped]
    items = describe_items(session, {move.item_id for _, move in found}) if found else {}
    return [
        Objection(key, "stopped", f"{items[move.item_id].sku} is stopped here by the policy {STOPPED}: ask who set it")
        for key, move in found
    ]
