"""Holds over REST: hold, one or many. Callers at once share transactions."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from flask import Response
from onhand.access import actor, hot, principal, requires, scope
from onhand.combine import Combiner
from onhand.idempotency import digest_of, request_key
from onhand.problems import Invalid, field_error
from onhand.rest import Asking, Call, called, wire
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_reservations import services
from onhand_reservations.jobs import EXPIRY
from onhand_reservations.keyed import AGAIN, Answer, Keyed, ask_ahead, carry_out_holds
from onhand_reservations.schemas import BatchBody, HoldBody
from onhand_reservations.values import WantedLine, Wish
from onhand_reservations.views.door import asker, door, read, read_body, told

__all__ = ["hold", "hold_batch"]

HOLD = "reservations.hold"
hold_body = msgspec.json.Decoder(HoldBody)
batch_body = msgspec.json.Decoder(BatchBody)
encode = msgspec.json.Encoder().encode

combined: Combiner[Keyed, Answer] = Combiner(
    carry_out_holds,
    entities_of=lambda keyed: keyed.entities,
    key=lambda keyed: ((keyed.owner, keyed.key), keyed.digest),
    ahead=ask_ahead,
    name="reservations.hold",
    is_hot=True,
)


def _expire(session: Session, asked: Sequence[Keyed], now: datetime) -> list[None]:
    """Expire what is due of these items, in a transaction of its own: no lock is held between the two tries."""
    services.make_room(session, [keyed.request for keyed in asked], by=EXPIRY, now=now)
    return [None] * len(asked)


room: Combiner[Keyed, None] = Combiner(
    _expire,
    entities_of=lambda keyed: keyed.entities,
    name="reservations.make_room",
    max_batch=16,  # each may have hundreds of holds in its way
)


@door.post("/reservations")
@hot
@requires(HOLD)
@called
def hold(call: Call) -> Asking:
    """Hold stock: 201 with the hold, or 409 with what is short."""
    key = request_key(call.header)
    keyed = _keyed(key, read_body(call.body, hold_body)[0])
    answer: Answer = yield combined, keyed
    if answer is AGAIN:
        yield room, keyed
        answer = yield combined, msgspec.structs.replace(keyed, is_final=True)
    return told(answer)


@door.post("/reservations/batch")
@hot
@requires(HOLD)
def hold_batch() -> Response:
    """Hold for many requests, each standing alone under its own key: 200 with one answer each."""
    body, _ = read(batch_body)
    missing = [place for place, one in enumerate(body.requests) if not one.key]
    if missing:
        raise Invalid(errors=[field_error(f"requests[{place}].key", "each request needs a key") for place in missing])
    answers = _together([_keyed(one.key, one) for one in body.requests])
    results = [
        {"key": one.key, "status": answer[0], "body": msgspec.Raw(answer[1])}
        for one, answer in zip(body.requests, answers, strict=True)
    ]
    return wire.answer({"results": results})


def _keyed(key: str, body: HoldBody) -> Keyed:
    """Return a request under its key. The digest is of what is asked for, not of how it was spelt or sent."""
    lines = tuple([WantedLine(line.sku, line.quantity, line.location) for line in body.lines])
    digest = digest_of(b"hold", encode((body.channel, body.reference, body.lines, body.ttl_seconds)))
    wish = Wish(body.channel, asker(HOLD), body.reference, lines, body.ttl_seconds, actor().ref)
    return Keyed(principal().owner, key, digest, scope(), wish)


def _together(asked: list[Keyed]) -> list[Answer]:
    """Ask for all of one entity in one transaction; once more, for those that expired holds stand in the way of."""
    answers = _carry_out(asked)
    places = [place for place, answer in enumerate(answers) if answer is AGAIN]
    if places:
        again = [msgspec.structs.replace(asked[place], is_final=True) for place in places]
        run(lambda session, now: _expire(session, again, now), entities=again[0].entities)
        for place, answer in zip(places, _carry_out(again), strict=True):
            answers[place] = answer
    return answers


def _carry_out(asked: list[Keyed]) -> list[Answer]:
    return run(
        lambda session, now: carry_out_holds(session, asked, now),
        entities=asked[0].entities,
        is_hot=True,
        ahead=lambda session: ask_ahead(session, asked),
    )
