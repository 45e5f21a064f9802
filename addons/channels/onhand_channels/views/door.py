"""The event door: `POST /api/v1/events`, one CloudEvent or a batch. A hot door: decoded by a compiled decoder."""

from collections.abc import Collection, Generator, Sequence
from typing import Any

import msgspec
from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from onhand.access import actor, hot, in_scope, principal, requires, scope
from onhand.combine import Combiner
from onhand.problems import Malformed, NotFound, TooLarge
from onhand.rest import Answer, Asking, Call, called, document

from onhand_channels.delivering import Told, answered, deliver, take_in_told
from onhand_channels.piecemeal import is_nobodys_fault
from onhand_channels.schemas.cloudevents import EVENTS_MAX, Envelope, Name
from onhand_channels.services import ask_channels, channels_by_code, event_types_of, nameless
from onhand_channels.values import Outcome

__all__ = ["door"]

door = Blueprint("channels_api_door", __name__, url_prefix="/api/v1")
COMBINED_MAX = 20

decode_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode
encode = msgspec.json.Encoder().encode


class Results(msgspec.Struct):
    """One outcome per event, in the order sent."""

    results: list[Outcome]


class _Source(msgspec.Struct):
    source: Name


decode_source = msgspec.json.Decoder(_Source).decode


@door.record_once
def _gather_types(state: BlueprintSetupState) -> None:
    """Stop the start where two add-ons understand one type of event."""
    event_types_of(state.app.extensions["onhand"])


take_in_together: Combiner[Told, list[Outcome] | None] = Combiner(
    take_in_told,
    entities_of=lambda told: told.entities,
    weight=lambda told: len(told.events),
    name="channels.take_in",
    max_batch=EVENTS_MAX,
    is_hot=True,
    ahead=lambda session, told: ask_channels(session, {one.code for one in told}),
)


@door.post("/events")
@hot
@requires("channels.post_events")
@called
def post_events(call: Call) -> Asking:
    """Take in one event or up to 1,000; answer each on its own, in the order sent."""
    raws = _read(call.body)
    by = actor()
    answers: list[Outcome | None] = [None] * len(raws)
    for code, places in _by_channel(raws):
        told = Told(code, [raws[place] for place in places], by, scope())
        outcomes = yield from _deliver(told)
        for place, outcome in zip(places, outcomes, strict=True):
            answers[place] = outcome
    results = [answer or nameless(raw) for answer, raw in zip(answers, raws, strict=True)]
    return Answer(200, encode(Results(results)))


def _read(body: bytes) -> list[msgspec.Raw]:
    start = body.lstrip()[:1]
    try:
        raws = decode_batch(body) if start == b"[" else [msgspec.json.decode(body, type=msgspec.Raw)]
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"the body is neither one CloudEvent nor a JSON array of them: {error}") from None
    if len(raws) > EVENTS_MAX:
        raise TooLarge(f"{len(raws)} events; send at most {EVENTS_MAX} at once", limit=EVENTS_MAX, sent=len(raws))
    return raws


def _by_channel(raws: Sequence[msgspec.Raw]) -> list[tuple[str, list[int]]]:
    """Say which events are for which channel: the token's, or for a token that speaks for none, their source's."""
    source = principal().source
    if source is not None:
        return [(source, list(range(len(raws))))]
    by_source: dict[str, list[int]] = {}
    for place, raw in enumerate(raws):
        named = _source_of(raw)
        if named is not None:
            by_source.setdefault(named, []).append(place)
    if len(by_source) > 1:  # before any of it is taken in
        _require(by_source.keys())
    return sorted(by_source.items())


def _source_of(raw: msgspec.Raw) -> str | None:
    try:
        return decode_source(raw).source
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _require(codes: Collection[str]) -> None:
    """Raise NotFound unless all of these channels are in the token's reach."""
    channels = in_scope(lambda session, _: channels_by_code(session, codes))
    missing = sorted(set(codes) - {channel.code for channel in channels})
    if missing:
        raise NotFound(f"there is no channel {missing[0]!r} that this token may speak for", channels=missing)


def _deliver(told: Told) -> Generator[Any, Any, list[Outcome]]:
    """Take events in; if the batch cannot be posted, what can of it, parking the events at fault."""
    if len(told.events) > COMBINED_MAX:
        return deliver(told)
    try:
        return answered(told, (yield take_in_together, told))
    except Exception as error:
        if is_nobodys_fault(error):
            raise
        return deliver(told)


document(
    post_events,
    "/api/v1/events",
    {
        "post": {
            "summary": "Take in channel events",
            "description": "One CloudEvent 1.0 in structured JSON form, or an array of at most 1,000. Each is kept once "
            "per (channel, id) for ever. Answers per event, in the order sent: posted, duplicate, conflict, parked, "
            "shadowed (the channel is not live yet: reported on, nothing moves) or refused (no CloudEvent, or a retired "
            "channel; only this is not kept). Data of a fact: {location?, order?, lines: [{sku|gtin, quantity, unit?, line?}]}; of "
            "onhand.stock_report.v1, a channel's own numbers: {location, lines: [{sku|gtin, quantity}], as_of?}.",
            "tags": ["events"],
            "requestBody": {
                "required": True,
                "content": {
                    "application/cloudevents+json": {"schema": Envelope},
                    "application/cloudevents-batch+json": {"schema": list[Envelope]},
                    "application/json": {"schema": list[Envelope]},
                },
            },
            "responses": {
                "200": {"description": "One outcome per event", "content": {"application/json": {"schema": Results}}}
            },
        }
    },
)
