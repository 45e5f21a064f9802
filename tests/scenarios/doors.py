"""The doors that stories ask at: what every world must offer, and a store with its people in the real one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from onhand.access.services import RoleAt
from onhand.testing import Entity
from onhand.testing.people import Person
from onhand.testing.site import Site
from onhand_channels.api import ChannelRef
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_items, make_location

from scenarios.asks import Answer, Ask
from scenarios.story import MARKETPLACE, STORE, TILL, WEB

__all__ = ["Book", "Doors", "Inboxed", "Store", "open_store"]


@dataclass(frozen=True)
class Book:
    """What the book says of an item at the store."""

    available: int
    reserved: int
    shortage: int

    @property
    def on_hand(self) -> int:
        return self.available + self.reserved - self.shortage


@dataclass(frozen=True)
class Inboxed:
    """An exception about an item: one row of the inbox, with the kinds of its evidence and how often each was reported.

    `documents` are those that its evidence names: the sale, the shipment, the count that took what was not there.
    """

    is_open: bool
    owner: int | None
    names: tuple[str | None, str | None]
    kinds: frozenset[str]
    reports: int
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is on record of an item at the end: its exceptions, and its holds by (status, units fulfilled).

    `shortages` are the documents that took what was not there, one per entry of the ledger; `corrections` counts the
    entries that took back what a count had adjusted.
    """

    inbox: tuple[Inboxed, ...] = ()
    holds: tuple[tuple[str, int], ...] = ()
    shortages: tuple[str, ...] = ()
    corrections: int = 0


class Doors(Protocol):
    """A world to ask at. Each ask of a list is of another item."""

    manager: int

    def stock(self, how_many: int) -> list[str]:
        """Enter items, and return their SKUs."""

    def moment(self, slot: int, rank: int) -> datetime:
        """Come to a place in the day's order, and return what time it is: later than at any place before."""

    def clock(self) -> datetime:
        """Return what time it is."""

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        """Answer asks of one kind, in order."""

    def sweep(self) -> datetime:
        """Let what ran out expire, and return by when it had."""

    def settle(self) -> None:
        """Hand over every event and do every job that is due."""

    def books(self, skus: Sequence[str]) -> Mapping[str, Book]:
        """Return what the book says now."""

    def close(self) -> None:
        """Do what is left when the day is over: nothing may be in flight afterwards."""

    def records(self, skus: Sequence[str]) -> Mapping[str, Record]:
        """Return what is on record of items."""


@dataclass(frozen=True)
class Store:
    """The store in the old town, its three channels, and Grace, who manages it and owns its exceptions."""

    site: Site
    entity: Entity
    location_id: int
    channels: dict[str, ChannelRef]
    manager: Person

    def stock(self, how_many: int) -> dict[str, int]:
        """Enter items, and return their ids by SKU."""
        items = self.site.transact(lambda session, now: make_items(session, now, how_many, self.entity.id))
        return {item.sku: item.id for item in items}


def open_store(site: Site, entity: Entity) -> Store:
    """Open the store of an entity."""

    def found(session: Any, now: datetime) -> tuple[int, dict[str, ChannelRef]]:
        location = make_location(session, now, entity.id, code=STORE)
        kinds = {WEB: "ecommerce", TILL: "pos", MARKETPLACE: "marketplace"}
        channels = {
            code: make_channel(session, now, entity.id, location.id, code=code, kind=kind)
            for code, kind in kinds.items()
        }
        return location.id, channels

    location_id, channels = site.transact(found)
    return Store(
        site, entity, location_id, channels, site.person(RoleAt("store_manager", entity.id, location_id), name="Grace")
    )
