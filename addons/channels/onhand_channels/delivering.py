"""Delivering: events taken in at a door, with no transaction open; what fails is parked, and harms no other."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from onhand.actors import Actor
from onhand.problems import NotFound
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_channels.piecemeal import piecemeal
from onhand_channels.services import ask_channels, channels_by_code, park, take_in
from onhand_channels.values import Delivery, Fault, Outcome

__all__ = ["Told", "answered", "deliver", "take_in_told"]

DOOR = Actor.system("event-door")  # never recorded: every delivery names its own author


class Told(msgspec.Struct, frozen=True):
    """What one caller tells for the channel of a code, to be looked up in the transaction that takes it in."""

    code: str
    events: Sequence[msgspec.Raw]
    by: Actor
    entities: tuple[int, ...]


def deliver(told: Told) -> list[Outcome]:
    """Take events in, in transactions of its own, and answer each in the order given: `take_in` for a view or a job.

    An event that cannot be carried out is found and parked; the others stand. At most `EVENTS_MAX` at once. Raises
    NotFound where `entities` have no such channel, and what the database raises while it is away: send the same again,
    and what was done until then is a duplicate.
    """

    def attempt(raws: Sequence[msgspec.Raw]) -> list[Outcome]:
        part = Told(told.code, raws, told.by, told.entities)
        found = run(
            lambda session, now: take_in_told(session, [part], now)[0],
            entities=told.entities,
            is_hot=True,
            ahead=lambda session: ask_channels(session, {part.code}),
        )
        return answered(told, found)

    def give_up(raw: msgspec.Raw, fault: Fault) -> list[Outcome]:
        return run(lambda session, now: _park(session, told, raw, fault, now), entities=told.entities)

    return piecemeal(told.events, attempt, give_up)


def take_in_told(session: Session, told: Sequence[Told], now: datetime) -> list[list[Outcome] | None]:
    """Take everything in at once; None for who names a channel out of reach."""
    channels = {channel.code: channel for channel in channels_by_code(session, {one.code for one in told})}
    deliveries = [Delivery(channels[one.code], one.events, one.by) for one in told if one.code in channels]
    answers = iter(take_in(session, deliveries, by=DOOR, now=now))
    return [next(answers) if one.code in channels else None for one in told]


def answered(told: Told, outcomes: list[Outcome] | None) -> list[Outcome]:
    """Return the outcomes; NotFound where the channel is out of reach."""
    if outcomes is None:
        raise NotFound(f"there is no channel {told.code!r} that this token may speak for", channels=[told.code])
    return outcomes


def _park(session: Session, told: Told, raw: msgspec.Raw, fault: Fault, now: datetime) -> list[Outcome]:
    [channel] = channels_by_code(session, [told.code])
    return park(session, Delivery(channel, [raw], told.by), fault, by=told.by, now=now)
