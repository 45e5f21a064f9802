"""Available to promise: derived from balances and buffers at each asking, never stored as truth."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain

import msgspec
from msgspec import Struct
from onhand.db import cursor, int_array, pipeline
from onhand_channels.api import ChannelRef
from onhand_master_data.api import ItemRef
from sqlalchemy.orm import Session

from onhand_reservations import settings

__all__ = ["Asked", "Availability", "availability", "promisable", "read_promisable"]

READ = """
/* atp.read */ SELECT array_agg(b.item_id)::text, array_agg(b.location_id)::text, array_agg(b.available)::text
FROM stock.balance b WHERE b.item_id = ANY(%s::int[]) AND b.location_id = ANY(%s::int[]) AND b.available > 0
"""
numbers = msgspec.json.Decoder(list[int]).decode


class Availability(Struct, frozen=True, gc=False):
    """Units of an item that a channel may promise now, at a location or (None) over all that were asked."""

    item_id: int
    location_id: int | None
    available_to_promise: int


class Asked(Struct, frozen=True, gc=False):
    """What a channel asks for: each of these items at each of these locations."""

    channel: ChannelRef
    items: Sequence[ItemRef]
    location_ids: Sequence[int]


def availability(
    session: Session,
    channel: ChannelRef,
    items: Sequence[ItemRef],
    location_ids: Sequence[int] | None,
    *,
    now: datetime,
) -> list[Availability]:
    """Return `available` less buffer, never below 0, for each item: per location asked, or summed over the channel's.

    One statement, whatever the number of items. Items in the order given, locations in theirs.
    """
    places = tuple(channel.location_ids if location_ids is None else location_ids)
    units = promisable(session, channel, items, places, now=now)
    if location_ids is None:
        return [Availability(item.id, None, sum(here)) for item, here in zip(items, units, strict=True)]
    return [
        Availability(item.id, place, here)
        for item, row in zip(items, units, strict=True)
        for place, here in zip(places, row, strict=True)
    ]


def promisable(
    session: Session, channel: ChannelRef, items: Sequence[ItemRef], location_ids: Sequence[int], *, now: datetime
) -> list[list[int]]:
    """Return, per item in the order given, what may be promised at each location in the order given."""
    [units] = read_promisable(session, [Asked(channel, items, location_ids)], now=now)
    width = len(location_ids)
    return [units[number * width : (number + 1) * width] for number in range(len(items))]


def read_promisable(session: Session, asked: Sequence[Asked], *, now: datetime) -> list[list[int]]:
    """Return, for each that asks, what may be promised: item by item, within it location by location, as they are given.

    Those who ask for the same items at the same locations share a statement: what several want to know is read once.
    """
    readings: list[tuple[tuple[int, ...], set[int]]] = []
    reading_of = [_join(readings, tuple(one.location_ids), {item.id for item in one.items}) for one in asked]
    with pipeline(session):
        found = [
            cursor(session).execute(READ, (int_array(item_ids), int_array(places))) for places, item_ids in readings
        ]
    shelves = [_shelves(*reading, rows.fetchone()) for reading, rows in zip(readings, found, strict=True)]
    return [_promisable(session, one, shelves[at], now) for one, at in zip(asked, reading_of, strict=True)]


def _join(readings: list[tuple[tuple[int, ...], set[int]]], places: tuple[int, ...], item_ids: set[int]) -> int:
    """Have a question read with the first that has items in common with it, or by itself; return which it is."""
    for number, (at, others) in enumerate(readings):
        if at == places and not others.isdisjoint(item_ids):
            others.update(item_ids)
            return number
    readings.append((places, item_ids))
    return len(readings) - 1


def _shelves(
    places: Sequence[int], item_ids: Collection[int], row: Sequence[str | None] | None
) -> dict[int, list[int]]:  # fmt: skip
    """Return the units available of each item: location by location, as they are given."""
    width = len(places)
    units = [0] * (len(item_ids) * width)
    first_of = {item_id: number * width for number, item_id in enumerate(item_ids)}
    if row is not None and row[0] is not None:
        place_of = {place: number for number, place in enumerate(places)}
        found, at, available = (numbers("[" + str(column)[1:-1] + "]") for column in row)
        for item_id, place, here in zip(found, at, available, strict=True):
            units[first_of[item_id] + place_of[place]] = here
    return {item_id: units[first : first + width] for item_id, first in first_of.items()}


def _promisable(session: Session, asked: Asked, shelves: dict[int, list[int]], now: datetime) -> list[int]:
    units = list(chain.from_iterable([shelves[item.id] for item in asked.items]))
    floors = settings.buffers_of(session, asked.channel, asked.items, asked.location_ids, now)
    return [max(here - floor, 0) for here, floor in zip(units, floors, strict=True)] if any(floors) else units
