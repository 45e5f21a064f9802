"""Which channels the one who asks may reach, and what a refusal becomes."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from onhand import problems
from onhand.access import in_scope, principal, scope
from sqlalchemy.orm import Session

from onhand_channels.listings import Reach
from onhand_channels.services import channels_by_code
from onhand_channels.values import ChannelRef, ChannelRefused

__all__ = ["change", "demand_whole_entities", "known_channel", "may_in", "own_code", "reach"]

T = TypeVar("T")


def reach(permission: str = "channels.read") -> Reach:
    """Return the entities of this request, and the locations of each where a permission is held."""
    known = principal()
    return {entity_id: known.locations(permission, entity_id) for entity_id in scope()}


def own_code() -> str | None:
    """Return the one channel that a token speaks for and so may ask about; None for whoever is bound to none."""
    return principal().source


def known_channel(session: Session, code: str, permission: str = "channels.read") -> ChannelRef:
    """Return a channel within reach; NotFound otherwise, whatever else it may be."""
    places = reach(permission)
    if own_code() in {None, code}:
        for channel in channels_by_code(session, [code]):
            held = places.get(channel.entity_id, ())
            if held is None or not set(held).isdisjoint(channel.location_ids):
                return channel
    raise problems.NotFound("there is no such channel")


def may_in(permission: str, entity_id: int) -> bool:
    """Say whether a permission is held in the whole of an entity: draw a button or not."""
    return principal().may(permission, entity_id) and principal().locations(permission, entity_id) is None


def demand_whole_entities(permission: str) -> None:
    """Forbid what concerns a whole channel to those who hold the permission at some locations only."""
    if any(places is not None for places in reach(permission).values()):
        raise problems.Forbidden("this concerns the whole channel; the permission is held at single locations only")


def change(command: Callable[[Session, datetime], T]) -> T:
    """Run a command that changes channels of this request's entities; ChannelRefused becomes its problem."""
    try:
        return in_scope(command)
    except ChannelRefused as refused:
        errors = [problems.field_error(error.field, error.message, error.value) for error in refused.errors]
        kind = problems.Conflict if all(error.conflict for error in refused.errors) else problems.Invalid
        raise kind(str(refused), errors=errors) from None
