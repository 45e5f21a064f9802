"""Availability over REST: what a channel may promise now, for at most 200 items. Callers at once share transactions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

import msgspec
from onhand.access import hot, requires, scope
from onhand.combine import Combiner
from onhand.problems import Invalid, NotFound, Problem, field_error
from onhand.rest import Answer, Asking, Call, called
from onhand.transaction import context
from onhand_channels.api import ChannelRef, ask_channels, channels_by_code
from onhand_master_data.api import Resolved
from sqlalchemy.orm import Session

from onhand_reservations.schemas import AvailabilityLine, AvailabilityReport
from onhand_reservations.services.availability import Asked, read_promisable
from onhand_reservations.services.holding import CATALOGUE
from onhand_reservations.values import Asker
from onhand_reservations.views.door import asker, door

__all__ = ["show_availability"]

READ = "reservations.read"
SKUS_MAX = 200
LOCATIONS_MAX = 200
encode = msgspec.json.Encoder().encode


class _Question(msgspec.Struct, frozen=True, gc=False):
    """One caller's question, as it was asked: each name once."""

    entities: tuple[int, ...]
    asker: Asker
    code: str
    skus: tuple[str, ...]
    locations: tuple[str, ...]


@door.get("/availability")
@hot
@requires(READ)
@called
def show_availability(call: Call) -> Asking:
    """Tell what a channel may promise of items: per location asked for, or over all of the channel's."""
    asked = call.arguments()
    [code, *_] = asked.get("channel") or [""]
    skus, locations = asked.get("sku", []), asked.get("location", [])
    if not code:
        raise Invalid(errors=[field_error("channel", "name the channel that asks")])
    if not skus or len(skus) > SKUS_MAX:
        raise Invalid(errors=[field_error("sku", f"name 1 to {SKUS_MAX} items, not {len(skus)}")])
    if len(locations) > LOCATIONS_MAX:
        raise Invalid(errors=[field_error("location", f"name at most {LOCATIONS_MAX}, not {len(locations)}")])
    question = _Question(scope(), asker(READ), code, tuple(dict.fromkeys(skus)), tuple(dict.fromkeys(locations)))
    answer = yield told, question
    if isinstance(answer, Problem):
        raise answer
    return Answer(200, encode(answer))


def _ahead(session: Session, questions: Sequence[_Question]) -> None:
    CATALOGUE.ask(session)
    ask_channels(session, {one.code for one in questions})


def _tell(
    session: Session, questions: Sequence[_Question], now: datetime
) -> list[AvailabilityReport | Problem]:  # fmt: skip
    """Answer each question; what is unknown to one is its own problem."""
    channels = {channel.code: channel for channel in channels_by_code(session, {one.code for one in questions})}
    known = CATALOGUE.resolve(
        session,
        skus={sku for one in questions for sku in one.skus},
        locations={code for one in questions for code in one.locations},
    )
    understood = [_understand(session, one, channels, known, now) for one in questions]
    answers = iter(read_promisable(session, [one for one in understood if isinstance(one, Asked)], now=now))
    return [
        one if isinstance(one, Problem) else _report(question, one, next(answers), now)
        for question, one in zip(questions, understood, strict=True)
    ]


told: Combiner[_Question, AvailabilityReport | Problem] = Combiner(
    _tell,
    entities_of=lambda question: question.entities,
    weight=lambda question: len(question.skus) * (len(question.locations) or 1),
    ahead=_ahead,
    name="reservations.availability",
    max_batch=8_000,
    leaders=2,
    is_hot=True,
)


def _understand(
    session: Session, question: _Question, channels: dict[str, ChannelRef], known: Resolved, now: datetime
) -> Asked | Problem:
    who, code = question.asker, question.code
    channel = channels.get(code) if who.source in {None, code} else None
    if (
        channel is None
        or channel.entity_id not in who.reach
        or not context(session).addons.entities_with("reservations", (channel.entity_id,), now, draining=True)
    ):
        return NotFound(f"there is no channel {code!r} that this token may ask for", channel=code)
    reach = who.reach[channel.entity_id]  # None: all of the entity's
    places = []
    for name in question.locations:
        place = known.locations.get(name)
        if place is None or place.entity_id != channel.entity_id or (reach is not None and place.id not in reach):
            return NotFound(f"there is no location {name!r} within reach", location=name)
        places.append(place.id)
    if reach is not None:
        channel = replace(channel, location_ids=tuple(place for place in channel.location_ids if place in reach))
    by_sku = known.by_sku
    items = [item for sku in question.skus if (item := by_sku.get(sku)) and channel.entity_id in item.entity_ids]
    return Asked(channel, items, places or channel.location_ids)


def _report(question: _Question, asked: Asked, units: list[int], now: datetime) -> AvailabilityReport:
    width = len(asked.location_ids)
    if question.locations:
        skus = chain.from_iterable([[item.sku] * width for item in asked.items])
        lines = list(map(AvailabilityLine, skus, units, question.locations * len(asked.items)))
    else:
        lines = [
            AvailabilityLine(item.sku, sum(units[number * width : (number + 1) * width]))
            for number, item in enumerate(asked.items)
        ]
    found = {item.sku for item in asked.items}
    unknown = [sku for sku in question.skus if sku not in found] if len(found) < len(question.skus) else []
    return AvailabilityReport(channel=question.code, as_of=now, items=lines, unknown=unknown)
