"""Who asks on a page, and what is in their reach."""

from onhand.access import principal, scope
from onhand_channels.api import ChannelRef, channels_of
from onhand_master_data.api import LocationName, location_choices
from sqlalchemy.orm import Session

from onhand_reservations.listings import Reach
from onhand_reservations.values import Within

__all__ = ["HOLD", "READ", "channels_here", "locations_here", "may_hold_at", "reach", "within"]

READ, HOLD = "reservations.read", "reservations.hold"


def reach(permission: str = READ) -> Reach:
    """Return the entities of this request, and the locations of each where a permission is held."""
    known = principal()
    return {entity_id: known.locations(permission, entity_id) for entity_id in scope()}


def within(permission: str) -> Within:
    """Return what of the entity a person may touch."""
    [entity_id] = scope()
    return Within(None, principal().locations(permission, entity_id))


def may_hold_at(location_ids: set[int]) -> bool:
    """Say whether a person may change what is promised at all of these locations."""
    [entity_id] = scope()
    return all(principal().may(HOLD, entity_id, location_id) for location_id in location_ids)


def channels_here(session: Session) -> list[ChannelRef]:
    """Return the channels of the entity, by name."""
    return sorted(channels_of(session, scope()), key=lambda channel: (channel.name, channel.code))


def locations_here(session: Session) -> list[LocationName]:
    """Return the active locations that a person may see, by name."""
    within_reach = reach()
    return [
        place
        for place in location_choices(session, scope())
        if (places := within_reach[place.entity_id]) is None or place.id in places
    ]
