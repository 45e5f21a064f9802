"""Holds over REST: confirm, extend, release, fulfil. Callers of one verb at once share transactions."""

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from onhand.access import actor, hot, principal, requires, scope
from onhand.combine import Combiner
from onhand.idempotency import digest_of, request_key
from onhand.problems import Invalid, NotFound, field_error
from onhand.rest import Asking, Call, called
from sqlalchemy.orm import Session

from onhand_reservations.keyed import Answer, Keyed, carry_out_changes, claim_ahead
from onhand_reservations.queries import entities_of
from onhand_reservations.schemas import ChangeBody, ExtendBody
from onhand_reservations.values import Change, Extension, LineQuantity
from onhand_reservations.views.door import door, read_body, told, within

__all__ = ["confirm", "extend", "fulfil", "release"]

HOLD = "reservations.hold"
change_body = msgspec.json.Decoder(ChangeBody)
extend_body = msgspec.json.Decoder(ExtendBody)


def _combiner(verb: str) -> Combiner[Keyed, Answer]:
    return Combiner(
        carry_out_changes(verb),
        entities_of=lambda keyed: keyed.entities,
        key=lambda keyed: ((keyed.owner, keyed.key), keyed.digest),
        ahead=claim_ahead,
        name=f"reservations.{verb}",
        is_hot=True,
    )


combined = {verb: _combiner(verb) for verb in ("confirm", "extend", "release", "fulfil")}


class _Whose(msgspec.Struct, frozen=True, gc=False):
    """A hold of one of several entities."""

    entities: tuple[int, ...]
    hold_id: UUID


def _tell_whose(session: Session, asked: Sequence[_Whose], _: datetime) -> list[int | None]:
    found = entities_of(session, [one.hold_id for one in asked])
    return [found.get(one.hold_id) for one in asked]


whose: Combiner[_Whose, int | None] = Combiner(
    _tell_whose, entities_of=lambda one: one.entities, name="reservations.whose", leaders=2, is_hot=True
)


@door.post("/reservations/<uuid:hold_id>/confirm")
@hot
@requires(HOLD)
@called
def confirm(call: Call, hold_id: UUID) -> Asking:
    """Make a hold firm."""
    return _change("confirm", call, hold_id)


@door.post("/reservations/<uuid:hold_id>/release")
@hot
@requires(HOLD)
@called
def release(call: Call, hold_id: UUID) -> Asking:
    """Let a hold go, whole or in part, and name why."""
    return _change("release", call, hold_id)


@door.post("/reservations/<uuid:hold_id>/fulfil")
@hot
@requires(HOLD)
@called
def fulfil(call: Call, hold_id: UUID) -> Asking:
    """Hand a hold over, whole or in part."""
    return _change("fulfil", call, hold_id)


@door.post("/reservations/<uuid:hold_id>/extend")
@hot
@requires(HOLD)
@called
def extend(call: Call, hold_id: UUID) -> Asking:
    """Hold longer; after expiry the units are checked for again, under a new hold."""
    key = request_key(call.header)
    body, raw = read_body(call.body, extend_body)
    entity_id = yield from _entity_of(hold_id)
    request = Extension(hold_id, body.ttl_seconds, actor().ref, within(HOLD, entity_id))
    answer: Answer = yield combined["extend"], _keyed("extend", key, raw, entity_id, request)
    return told(answer)


def _change(verb: str, call: Call, hold_id: UUID) -> Asking:
    key = request_key(call.header)
    body, raw = read_body(call.body, change_body)
    if verb == "confirm" and body.lines is not None:
        raise Invalid(errors=[field_error("lines", "a hold is confirmed whole")])
    if verb != "release" and body.event is not None:
        raise Invalid(errors=[field_error("event", "names why a hold is released, and nothing else")])
    lines = None if body.lines is None else tuple([LineQuantity(one.line, one.quantity) for one in body.lines])
    entity_id = yield from _entity_of(hold_id)
    request = Change(hold_id, lines, body.event, actor().ref, within(HOLD, entity_id))
    answer: Answer = yield combined[verb], _keyed(verb, key, raw, entity_id, request)
    return told(answer)


def _keyed(verb: str, key: str, raw: bytes, entity_id: int, request: Change | Extension) -> Keyed:
    digest = digest_of(verb.encode(), request.hold_id.bytes, raw)
    return Keyed(principal().owner, key, digest, entity_id, request)


def _entity_of(hold_id: UUID) -> Generator[Any, Any, int]:
    """Return a hold's entity; a token of one entity need not ask, its transaction will tell."""
    entities = scope()
    if len(entities) == 1:
        return entities[0]
    found: int | None = yield whose, _Whose(entities, hold_id)
    if found is None:
        raise NotFound(f"there is no hold {hold_id}")
    return found
