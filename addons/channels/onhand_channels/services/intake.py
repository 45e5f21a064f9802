"""Intake: every event is kept exactly once, and what it says is carried out in the same transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_channels import reasons
from onhand_channels.services import evidence, inbox
from onhand_channels.services.arrivals import Arrival, EventKey, arrive, outcome_of, problem, retired
from onhand_channels.services.event_types import EventTypes, Understood, event_types_of
from onhand_channels.services.shadows import foresee
from onhand_channels.states import RETIRED
from onhand_channels.values import Delivery, Fault, Handle, Incoming, Outcome, Postable, Read

__all__ = ["carry_out", "park", "read", "take_in"]

Answers = list[list[Outcome | None]]
Repeat = tuple[tuple[int, int], Incoming]


def take_in(session: Session, deliveries: Sequence[Delivery], *, by: Actor, now: datetime) -> list[list[Outcome]]:
    """Keep every event, carry out the new ones, and answer each: per delivery, in the order given.

    `posted`: new and carried out. `duplicate`: kept before, same body. `conflict`: kept before with another body; the
    new body is kept beside it and moves nothing. `parked`: kept, but names something unknown or says something not
    understood; to be replayed once that is mended. `shadowed`: kept, and what carrying it out would do is reported, as
    the channel is not live yet. `refused`: no CloudEvent 1.0, or told for a retired channel; only this is not kept.
    The number of statements does not depend on the number of events.
    """
    return _take_in(session, deliveries, None, by=by, now=now)


def park(session: Session, delivery: Delivery, fault: Fault, *, by: Actor, now: datetime) -> list[Outcome]:
    """Take events in without carrying any out: the new ones are parked for the reason given, if for no other."""
    return _take_in(session, [delivery], fault, by=by, now=now)[0]


def _take_in(
    session: Session, deliveries: Sequence[Delivery], fault: Fault | None, *, by: Actor, now: datetime
) -> list[list[Outcome]]:
    types = event_types_of(context(session).addons)
    answers: Answers = [[None] * len(delivery.events) for delivery in deliveries]
    arrivals, repeats = _arrivals(session, deliveries, types, answers, now)
    if fault is not None:
        for one in arrivals.values():
            one.fault = one.fault or fault
    read(session, types, arrivals.values())
    ordered = [arrivals[key] for key in sorted(arrivals)]
    fresh = inbox.keep(session, ordered, now)
    known = [one for one in ordered if one.key not in fresh]
    _answer_known(session, known, repeats, arrivals, answers, now)
    new = [one for one in arrivals.values() if one.key in fresh]
    for one in new:  # before balances are locked: others wait for nothing that could have been done by then
        answers[one.place[0]][one.place[1]] = outcome_of(one)
    shadowed = [one for one in new if one.event.channel.is_shadow]
    carry_out(session, types, [one for one in new if not one.event.channel.is_shadow] if shadowed else new, by, now)
    foresee(session, shadowed, now)
    evidence.tell_new(session, new, now=now)
    return answers  # type: ignore[return-value]  # every place has been answered


def _arrivals(
    session: Session, deliveries: Sequence[Delivery], types: EventTypes, answers: Answers, now: datetime
) -> tuple[dict[EventKey, Arrival], list[Repeat]]:
    """Decode every event: the first of each key, in the order given, and those that repeat one. Refuse the others."""
    addons = context(session).addons
    understood: dict[int, dict[str, Understood]] = {}
    arrivals: dict[EventKey, Arrival] = {}
    repeats: list[Repeat] = []
    for row, delivery in enumerate(deliveries):
        channel = delivery.channel
        if channel.entity_id not in understood:
            understood[channel.entity_id] = types.understood_in(addons, channel.entity_id, now)
        here = understood[channel.entity_id]
        if channel.state == RETIRED:
            answers[row][:] = [retired(channel, raw) for raw in delivery.events]
            continue
        actor = delivery.by.ref if delivery.by else None
        for column, raw in enumerate(delivery.events):
            one = arrive(channel, raw, actor, here, now)
            if isinstance(one, Outcome):
                answers[row][column] = one
                continue
            one.place = (row, column)
            if arrivals.setdefault((channel.id, one.event.id), one) is not one:
                repeats.append((one.place, one.event))
    return arrivals, repeats


def _answer_known(
    session: Session,
    known: Sequence[Arrival],
    repeats: Sequence[Repeat],
    arrivals: dict[EventKey, Arrival],
    answers: Answers,
    now: datetime,
) -> None:
    """Answer events kept before, in this batch or ever: the same again, or another body under the same id."""
    pending = [*((one.place, one.event) for one in known), *repeats]
    if not pending:
        return
    bodies = {key: one.event.body for key, one in arrivals.items()}
    if known:
        bodies |= inbox.first_bodies(session, [one.key for one in known])
    conflicts: list[Incoming] = []
    for (row, column), event in pending:
        if inbox.same_body(bodies[event.channel.id, event.id], event.body):
            answers[row][column] = Outcome(event.id, "duplicate")
        else:
            conflicts.append(event)
            answers[row][column] = Outcome(
                event.id, "conflict", problem(reasons.CONFLICT, reasons.mend(reasons.CONFLICT))
            )
    if conflicts:
        fresh = inbox.keep_conflicts(session, conflicts, now)
        evidence.tell_conflicts(session, [one for one in conflicts if (one.channel.id, one.id) in fresh], now=now)


def read(session: Session, types: EventTypes, arrivals: Iterable[Arrival]) -> None:
    """Let each type read its events, those that share a reader in one call; each gets its plan or its fault."""
    by_reader: dict[Read, list[Arrival]] = {}
    for one in arrivals:
        if one.fault is None and one.type is not None:
            by_reader.setdefault(one.type.kind.read, []).append(one)
    for reader in types.readers:
        ones = by_reader.get(reader, ())
        if ones:
            for one, plan in zip(ones, reader(session, [one.event for one in ones]), strict=True):
                if isinstance(plan, Fault):
                    one.fault = plan
                else:
                    one.plan = plan


def carry_out(session: Session, types: EventTypes, arrivals: Sequence[Arrival], by: Actor, now: datetime) -> None:
    """Let each type handle the events it has read, those that share a handler in one call, in the order given.

    Handlers are called in one order everywhere, so that what they lock is locked in one order.
    """
    by_handler: dict[Handle, list[Postable]] = {}
    for one in arrivals:
        if one.fault is None and one.type is not None:
            by_handler.setdefault(one.type.kind.handle, []).append(Postable(one.event, one.plan))
    for handler in types.handlers:
        if handler in by_handler:
            handler(session, by_handler[handler], by, now)
