"""The types of event that installed add-ons understand."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
from onhand.addons import Addons

from onhand_channels.values import EventType, Handle, Read

__all__ = ["EventTypes", "Understood", "event_types_of"]


class Understood(msgspec.Struct, frozen=True):
    """A type of event, the add-on that contributes it, and the compiled decoder of its data."""

    kind: EventType
    noun: str
    decode: Callable[[msgspec.Raw], Any]


class EventTypes(msgspec.Struct, frozen=True):
    """All types by name, and their functions, once each, in the order in which every batch calls them."""

    by_name: dict[str, Understood]
    readers: tuple[Read, ...]
    handlers: tuple[Handle, ...]

    def understood_in(self, addons: Addons, entity_id: int, now: datetime) -> dict[str, Understood]:
        """Return the types whose add-on is active for an entity: what nobody there understands is parked."""
        active = {noun for noun in addons.names if addons.active(entity_id, noun, now)}
        return {name: one for name, one in self.by_name.items() if one.noun in active}


_gathered: WeakKeyDictionary[Addons, EventTypes] = WeakKeyDictionary()


def event_types_of(addons: Addons) -> EventTypes:
    """Return what the add-ons of an application understand, gathered once; ValueError when two claim one type."""
    found = _gathered.get(addons)
    if found is None:
        found = _gathered[addons] = _gather(addons)
    return found


def _gather(addons: Addons) -> EventTypes:
    by_name: dict[str, Understood] = {}
    for noun, kinds in addons.gather_by_addon("event_types"):
        for kind in kinds:
            if kind.name in by_name:
                raise ValueError(f"add-on {noun!r} understands events of type {kind.name!r}, and so does another")
            by_name[kind.name] = Understood(kind, noun, msgspec.json.Decoder(kind.data).decode)
    kinds = [one.kind for one in by_name.values()]
    readers = tuple(dict.fromkeys(kind.read for kind in kinds))
    handlers = tuple(dict.fromkeys(kind.handle for kind in kinds))
    return EventTypes(by_name, readers, handlers)
