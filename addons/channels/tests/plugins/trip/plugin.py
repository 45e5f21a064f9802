"""It stumbles in the transaction over items it does not like, and understands a type of event of its own."""

from msgspec import Struct
from onhand.db import cursor
from onhand.hooks import hookimpl
from onhand_channels.api import Check, EventType, Fault

DISLIKED: set[int] = set()
LETHAL: set[int] = set()
CANCELLED: list[tuple[str, int, int]] = []
READINGS: list[tuple[str, int]] = []
PICKY: set[str] = set()


class Stumbled(Exception):
    """It did."""


class Reading(Struct):
    """The data of `trip.reading.v1`."""

    degrees: int


@hookimpl
def movement_posted(session, movements, now):
    if any(entry.item_id in LETHAL for entry in movements):
        cursor(session).execute("SELECT pg_terminate_backend(pg_backend_pid())").fetchone()
    if any(entry.item_id in DISLIKED for entry in movements):
        raise Stumbled("over a secret: hunter2")


def read(session, events):
    return [Fault("too_hot", "beyond the scale") if event.data.degrees > 99 else event.data.degrees for event in events]


def handle(session, postables, by, now):
    READINGS.extend((postable.event.id, postable.plan) for postable in postables)


@hookimpl
def channel_checks(session, channels, now):
    return [[Check("mood", "In the mood", one.code not in PICKY, "trip is not in the mood")] for one in channels]


@hookimpl
def event_types():
    return [EventType("trip.reading.v1", Reading, read, handle)]


@hookimpl
def order_lines_cancelled(session, events, now):
    CANCELLED.extend((unit.order_reference, unit.item_id, unit.cancelled) for event in events for unit in event.units)
