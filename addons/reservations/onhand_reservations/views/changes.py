"""Holds over REST: confirm, extend, release, fulfil. Callers of one verb at once share transactions."""

from uuid import UUID

import msgspec
from flask import Response
from onhand.access import actor, hot, in_scope, principal, requires, scope
from onhand.combine import Combiner
from onhand.idempotency import digest_of, request_key, respond
from onhand.problems import Invalid, NotFound, field_error

from onhand_reservations.keyed import Answer, Keyed, carry_out_changes
from onhand_reservations.queries import entity_of
from onhand_reservations.schemas import ChangeBody, ExtendBody
from onhand_reservations.values import Change, Extension, LineQuantity
from onhand_reservations.views.door import door, read, within

__all__ = ["confirm", "extend", "fulfil", "release"]

HOLD = "reservations.hold"
change_body = msgspec.json.Decoder(ChangeBody)
extend_body = msgspec.json.Decoder(ExtendBody)


def _combiner(verb: str) -> Combiner[Keyed, Answer]:
    return Combiner(
        carry_out_changes(verb),
        entities_of=lambda keyed: keyed.entities,
        key=lambda keyed: ((keyed.owner, keyed.key), keyed.digest),
        name=f"reservations.{verb}",
        is_hot=True,
    )


combined = {verb: _combiner(verb) for verb in ("confirm", "extend", "release", "fulfil")}


@door.post("/reservations/<uuid:hold_id>/confirm")
@hot
@requires(HOLD)
def confirm(hold_id: UUID) -> Response:
    """Make a hold firm."""
    return _change("confirm", hold_id)


@door.post("/reservations/<uuid:hold_id>/release")
@hot
@requires(HOLD)
def release(hold_id: UUID) -> Response:
    """Let a hold go, whole or in part, and name why."""
    return _change("release", hold_id)


@door.post("/reservations/<uuid:hold_id>/fulfil")
@hot
@requires(HOLD)
def fulfil(hold_id: UUID) -> Response:
    """Hand a hold over, whole or in part."""
    return _change("fulfil", hold_id)


@door.post("/reservations/<uuid:hold_id>/extend")
@hot
@requires(HOLD)
def extend(hold_id: UUID) -> Response:
    """Hold longer; after expiry the units are checked for again, under a new hold."""
    key = request_key()
    body, raw = read(extend_body)
    entity_id = _entity_of(hold_id)
    request = Extension(hold_id, body.ttl_seconds, actor().ref, within(HOLD, entity_id))
    return _carry_out("extend", key, raw, entity_id, request)


def _change(verb: str, hold_id: UUID) -> Response:
    key = request_key()
    body, raw = read(change_body)
    if verb == "confirm" and body.lines is not None:
        raise Invalid(errors=[field_error("lines", "a hold is confirmed whole")])
    if verb != "release" and body.event is not None:
        raise Invalid(errors=[field_error("event", "names why a hold is released, and nothing else")])
    lines = None if body.lines is None else tuple([LineQuantity(one.line, one.quantity) for one in body.lines])
    entity_id = _entity_of(hold_id)
    request = Change(hold_id, lines, body.event, actor().ref, within(HOLD, entity_id))
    return _carry_out(verb, key, raw, entity_id, request)


def _carry_out(verb: str, key: str, raw: bytes, entity_id: int, request: Change | Extension) -> Response:
    digest = digest_of(verb.encode(), request.hold_id.bytes, raw)
    return respond(*combined[verb](Keyed(principal().owner, key, digest, entity_id, request)))


def _entity_of(hold_id: UUID) -> int:
    """Return a hold's entity; a token of one entity need not ask, its transaction will tell."""
    entities = scope()
    if len(entities) == 1:
        return entities[0]
    found: int | None = in_scope(lambda session, _: entity_of(session, hold_id))
    if found is None:
        raise NotFound(f"there is no hold {hold_id}")
    return found
