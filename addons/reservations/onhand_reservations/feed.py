"""What the availability feed of channels asks: the units of each key that may be sold on a channel now."""

from collections.abc import Sequence
from datetime import datetime

from onhand.transaction import context
from onhand_channels.api import ChannelRef, FeedKey
from onhand_master_data.api import ItemRef, describe_items
from sqlalchemy.orm import Session

from onhand_reservations.services.availability import Asked, read_promisable
from onhand_reservations.services.holding import CATALOGUE

__all__ = ["units_of"]


def units_of(session: Session, channel: ChannelRef, keys: Sequence[FeedKey], now: datetime) -> list[int]:
    """Return what may be promised of each key, as GET /availability does: `available` less buffer, never below 0.

    Nothing may be sold where nothing is held: the channel takes no holds for now, reservations are being switched off,
    it does not sell from the location, or the item is not active there. A statement per location, all sent at once.
    """
    if not channel.takes_holds or not context(session).addons.enabled(channel.entity_id, "reservations", now):
        return [0] * len(keys)
    items = _items(session, channel, {key.item_id for key in keys})
    wanted: dict[int, list[ItemRef]] = {place: [] for place in channel.location_ids}
    for key in dict.fromkeys(keys):
        if key.location_id in wanted and key.item_id in items:
            wanted[key.location_id].append(items[key.item_id])
    asked = [Asked(channel, here, (place,)) for place, here in wanted.items() if here]
    units = {
        FeedKey(item.id, one.location_ids[0]): units
        for one, found in zip(asked, read_promisable(session, asked, now=now), strict=True)
        for item, units in zip(one.items, found, strict=True)
    }
    return [units.get(key, 0) for key in keys]


def _items(session: Session, channel: ChannelRef, ids: set[int]) -> dict[int, ItemRef]:
    skus = {name.sku for name in describe_items(session, ids).values()}
    found = CATALOGUE.resolve(session, skus=skus).by_sku.values()
    return {item.id: item for item in found if channel.entity_id in item.entity_ids}
