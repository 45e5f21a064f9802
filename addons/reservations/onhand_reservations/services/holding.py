"""Hold: promise stock to requests, each whole or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array, time_array
from onhand.ids import uuid7
from onhand.policies.book import Where
from onhand.transaction import context
from onhand_channels.api import ChannelRef
from onhand_master_data.api import Catalogue, ItemRef, Resolved, describe_locations
from onhand_stock.api import Accepted, Group, Move, Refused, post
from sqlalchemy.orm import Session

from onhand_reservations import settings
from onhand_reservations.services import refusals
from onhand_reservations.values import (
    Held,
    HeldLine,
    Hold,
    HoldRequest,
    NotAllowed,
    OutOfStock,
    Shortfall,
    Unknown,
    WantedLine,
)

__all__ = [
    "CATALOGUE", "LINES_MAX", "QUANTITY_MAX", "Planned", "PlannedLine", "group_of", "held", "hold", "insert_holds",
    "out_of_stock", "plan",
]  # fmt: skip

CATALOGUE = Catalogue()
AVAILABLE = (("available", None),)
LINES_MAX = 200
QUANTITY_MAX = 1_000_000_000
INSERT = """
/* hold.insert */ WITH held AS (
  INSERT INTO reservations.hold (id, entity_id, channel_id, reference, status, held_at, expires_at, replaces, actor)
  SELECT h.id, h.entity_id, h.channel_id, h.reference, 'held', %s, h.expires_at, h.replaces, h.actor
  FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::text[], %s::timestamptz[], %s::uuid[], %s::text[])
    AS h (id, entity_id, channel_id, reference, expires_at, replaces, actor)
)
INSERT INTO reservations.hold_line (hold_id, line, entity_id, item_id, location_id, quantity)
SELECT * FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[])
"""
COVER = """
/* hold.source */ SELECT b.item_id, b.location_id, b.available FROM stock.balance b
JOIN unnest(%s::int[], %s::int[]) AS k (item_id, location_id)
  ON b.item_id = k.item_id AND b.location_id = k.location_id
"""
Sourced = dict[tuple[int, int], int]


class PlannedLine(Struct, gc=False):
    """A line with its codes resolved and its place chosen."""

    item: ItemRef
    quantity: int
    location_id: int
    location: str
    floor: int = 0
    was_sourced: bool = False
    """The place was chosen from a reading that said it covers the line."""


class Terms(Struct, frozen=True, gc=False):
    """How long the holds of a channel last, and the longest that may be asked for."""

    seconds: int
    seconds_max: int


class Planned(Struct, gc=False):
    """A request that can be posted."""

    id: UUID
    request: HoldRequest
    expires_at: datetime
    lines: list[PlannedLine]


def hold(session: Session, requests: Sequence[HoldRequest], *, by: Actor, now: datetime) -> list[Held]:
    """Promise stock to each request until its hold expires; answer each, in the order given.

    Each request stands alone: all of its lines are held or none. Of two callers racing for the last unit exactly one
    gets it; the other is OutOfStock with the numbers. No hold leaves a place below its buffer. A line without a
    location takes the first of its channel's locations that covers it whole. Where the add-on only runs out,
    to a channel that is not active, and where a guard objects, nothing new is promised.
    """
    plans = plan(session, requests, now)
    ready = [one for one in plans if isinstance(one, Planned)]
    results = iter(post(session, [group_of(one, now) for one in ready], by=by, now=now))
    answers: list[Held] = []
    kept: list[Planned] = []
    refused: list[tuple[Planned, Refused]] = []
    for one in plans:
        if not isinstance(one, Planned):
            answers.append(one)
            continue
        result = next(results)
        if isinstance(result, Accepted):
            kept.append(one)
            answers.append(held(one))
        elif result.objection:
            answers.append(NotAllowed(*result.objection))
        else:
            refused.append((one, result))
            answers.append(out_of_stock(one, result, now))
    insert_holds(session, kept, by=by, now=now)
    if not refused:
        return answers
    curable = refusals.note(session, refused, now=now)
    return [_curable(answer, curable, one) for answer, one in zip(answers, plans, strict=True)]


def plan(session: Session, requests: Sequence[HoldRequest], now: datetime) -> list[Planned | Unknown | NotAllowed]:
    """Resolve each request's codes, choose its places and read its policies; nothing is locked or written."""
    known = CATALOGUE.resolve(
        session,
        skus={line.sku for request in requests for line in request.lines},
        locations={line.location for request in requests for line in request.lines if line.location is not None},
    )
    sourced, names = _sources(session, requests, known)
    channels = {request.channel.id: request.channel for request in requests}
    terms = {channel_id: _terms(session, channel, now) for channel_id, channel in channels.items()}
    plans = [
        granted
        if isinstance(granted := terms[request.channel.id], NotAllowed)
        else _plan_one(session, request, granted, known, sourced, names, now)
        for request in requests
    ]
    _keep_back(session, [plan for plan in plans if isinstance(plan, Planned)], now)
    return plans


def _terms(session: Session, channel: ChannelRef, now: datetime) -> Terms | NotAllowed:
    """Return how long a channel's holds last; or why nothing new is promised to it, whatever it asks for."""
    if not context(session).addons.enabled(channel.entity_id, "reservations", now):
        return NotAllowed("draining", "reservations are being switched off here: nothing new is held")
    if not channel.takes_holds:
        why = "takes no new holds for now" if channel.active else f"is {channel.state}"
        return NotAllowed("channel_inactive", f"channel {channel.code!r} {why}: nothing new is held for it")
    return Terms(settings.ttl_seconds(session, channel, now), settings.ttl_seconds_max(session, channel, now))


def _plan_one(
    session: Session,
    request: HoldRequest,
    terms: Terms,
    known: Resolved,
    sourced: Sourced,
    names: dict[int, str],
    now: datetime,
) -> Planned | Unknown:
    channel = request.channel
    errors: list[tuple[str, str, str]] = []
    ttl = terms.seconds if request.ttl_seconds is None else request.ttl_seconds
    if not 1 <= ttl <= terms.seconds_max:
        errors.append(("ttl_seconds", f"must be 1 to {terms.seconds_max}, by the policy of this channel", str(ttl)))
    lines: list[PlannedLine] = []
    for position, line in enumerate(request.lines):
        item = known.by_sku.get(line.sku)
        if item is None or channel.entity_id not in item.entity_ids:
            errors.append((f"lines[{position}].sku", "no such active item is stocked by this entity", line.sku))
            continue
        if line.location is not None:
            place = known.locations.get(line.location)
            if place is None or place.entity_id != channel.entity_id or not _may_ask(request, place.id):
                errors.append((f"lines[{position}].location", "no such active location", line.location))
                continue
            lines.append(PlannedLine(item, line.quantity, place.id, place.code))
        elif not channel.location_ids:
            errors.append((f"lines[{position}].location", "this channel has no locations: name one", ""))
        else:
            chosen = _source(session, request, line, item, sourced, now)
            place_id = channel.location_ids[0] if chosen is None else chosen
            lines.append(PlannedLine(item, line.quantity, place_id, names[place_id], was_sourced=chosen is not None))
    if errors:
        return Unknown(tuple(errors))
    return Planned(uuid7(), request, now + timedelta(seconds=ttl), lines)


def _keep_back(session: Session, plans: Sequence[Planned], now: datetime) -> None:
    """Set the floor of each line: the buffer of its item at its place, and what a degraded channel keeps back beyond."""
    lines = [(plan.request, line) for plan in plans for line in plan.lines]
    places = [_where(request, line.item, line.location_id) for request, line in lines]
    for (request, line), floor in zip(lines, settings.buffers(session, places, now), strict=True):
        line.floor = floor + request.channel.buffer_raise


def _may_ask(request: HoldRequest, location_id: int) -> bool:
    return request.within is None or request.within.admits(request.channel.code, (location_id,))


def _where(request: HoldRequest, item: ItemRef, location_id: int) -> Where:
    return Where(item.id, item.category_id, location_id, request.channel.id, request.channel.entity_id)


def _sources(session: Session, requests: Sequence[HoldRequest], known: Resolved) -> tuple[Sourced, dict[int, str]]:
    """Read, without locking, what the channels' locations have of the items that name no location."""
    wanted = {
        (known.by_sku[line.sku].id, location_id)
        for request in requests
        for line in request.lines
        if line.location is None and line.sku in known.by_sku
        for location_id in request.channel.location_ids
    }
    if not wanted:
        return {}, {}
    keys = sorted(wanted)
    rows = cursor(session).execute(COVER, (int_array([key[0] for key in keys]), int_array([key[1] for key in keys])))
    sourced = {(row[0], row[1]): row[2] for row in rows.fetchall()}
    locations = describe_locations(session, {key[1] for key in keys})
    return sourced, {location_id: name.code for location_id, name in locations.items()}


def _source(
    session: Session, request: HoldRequest, line: WantedLine, item: ItemRef, sourced: Sourced, now: datetime
) -> int | None:
    """Choose the first of the channel's locations that covers a line whole above its buffer; None when none does.

    What is chosen for one request of a list is not there for the next.
    """
    location_ids = request.channel.location_ids
    floors = settings.buffers(session, [_where(request, item, location_id) for location_id in location_ids], now)
    for location_id, floor in zip(location_ids, floors, strict=True):
        if sourced.get((item.id, location_id), 0) - floor - request.channel.buffer_raise >= line.quantity:
            sourced[item.id, location_id] -= line.quantity
            return location_id
    return None


def group_of(plan: Planned, now: datetime) -> Group:
    """Return the movements that promise a request's units, whole or not at all."""
    channel, document = plan.request.channel, f"hold:{plan.id}"
    moves = tuple(
        [
            Move("reserve", channel.entity_id, line.item.id, line.quantity, AVAILABLE, "reserved", line.location_id,
                 line.location_id, line.floor)
            for line in plan.lines
        ]
    )  # fmt: skip
    return Group(document, moves, document, now, channel.code, correlation=plan.request.reference,
                 actor=plan.request.actor)  # fmt: skip


def insert_holds(session: Session, plans: Sequence[Planned], *, by: Actor, now: datetime) -> None:
    """Write holds and their lines, with one statement."""
    if not plans:
        return
    requests = [plan.request for plan in plans]
    rows = [
        (str(plan.id), number, plan.request.channel.entity_id, line)
        for plan in plans
        for number, line in enumerate(plan.lines, 1)
    ]
    cursor(session).execute(
        INSERT,
        (
            now,
            text_array([str(plan.id) for plan in plans]),
            int_array([request.channel.entity_id for request in requests]),
            int_array([request.channel.id for request in requests]),
            text_array([request.reference for request in requests]),
            time_array([plan.expires_at for plan in plans]),
            text_array([None if request.replaces is None else str(request.replaces) for request in requests]),
            text_array([request.actor or by.ref for request in requests]),
            text_array([row[0] for row in rows]),
            int_array([row[1] for row in rows]),
            int_array([row[2] for row in rows]),
            int_array([row[3].item.id for row in rows]),
            int_array([row[3].location_id for row in rows]),
            int_array([row[3].quantity for row in rows]),
        ),
    )


def held(plan: Planned) -> Hold:
    """Return a request that was granted as its caller sees it."""
    lines = tuple(
        [HeldLine(number, line.item.sku, line.location, line.quantity) for number, line in enumerate(plan.lines, 1)]
    )
    request = plan.request
    return Hold(plan.id, "held", plan.expires_at, lines, request.reference, request.channel.code, request.replaces)


def out_of_stock(plan: Planned, refused: Refused, now: datetime) -> OutOfStock:
    """Return a request that was refused with the numbers of what is short."""
    shortfalls = tuple(
        Shortfall(
            short.line + 1,
            plan.lines[short.line].item.sku,
            plan.lines[short.line].location,
            short.requested,
            short.available,
        )
        for short in refused.shortfalls
    )
    return OutOfStock(shortfalls, now)


def _curable(answer: Held, curable: set[UUID], plan: Planned | Unknown | NotAllowed) -> Held:
    if isinstance(answer, OutOfStock) and isinstance(plan, Planned) and plan.id in curable:
        return OutOfStock(answer.shortfalls, answer.as_of, curable=True)
    return answer
