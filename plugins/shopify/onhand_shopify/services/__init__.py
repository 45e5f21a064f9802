"""The verbs of shopify. The only code that writes."""

from onhand_shopify.services.access import shop_of
from onhand_shopify.services.inbox import keep, prune, replay, set_aside, wake
from onhand_shopify.services.maps import forget_items, map_locations, save_items, save_locations
from onhand_shopify.services.parked import KIND, parked_standing
from onhand_shopify.services.shops import (
    API_VERSIONS,
    connect,
    disconnect,
    keep_token,
    note_published,
    note_read,
)
from onhand_shopify.services.taking import give_up, take, waiting, waits_since
from onhand_shopify.services.unheld import KIND as UNHELD
from onhand_shopify.services.unheld import unheld_standing

__all__ = [
    "API_VERSIONS", "KIND", "UNHELD", "connect", "disconnect", "forget_items", "give_up", "keep", "keep_token", "map_locations", "note_published",
    "note_read", "parked_standing", "prune", "replay", "save_items", "save_locations", "set_aside", "shop_of", "take", "unheld_standing", "waiting", "waits_since", "wake",
]  # fmt: skip
