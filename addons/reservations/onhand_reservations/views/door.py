"""The blueprint of the hot doors, and what they share."""

from dataclasses import replace
from typing import TypeVar

import msgspec
from flask import Blueprint, request
from onhand.access import principal
from onhand.problems import Invalid, Malformed, NotFound, field_error
from onhand.rest import Answer as Told
from onhand_channels.api import ChannelRef, channels_by_code
from sqlalchemy.orm import Session

from onhand_reservations.keyed import Answer
from onhand_reservations.values import Asker, Within

__all__ = ["asker", "door", "find_channel", "read", "read_body", "told", "within"]

PROBLEM = "application/problem+json"

T = TypeVar("T")
door = Blueprint("reservations_api_door", __name__, url_prefix="/api/v1")


def read(decoder: msgspec.json.Decoder[T]) -> tuple[T, bytes]:
    """Decode the request's body; Malformed when it is no JSON, Invalid naming the field when its shape is wrong."""
    return read_body(request.get_data(cache=False), decoder)


def read_body(given: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, bytes]:
    """Decode a body, as `read` does."""
    body = given or b"{}"
    try:
        return decoder.decode(body), body
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        raise Invalid(errors=[field_error(path.rstrip("`").removeprefix("$").lstrip(".") or "body", message)]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from None


def told(answer: Answer) -> Told:
    """Return a stored answer as what is sent."""
    return Told(*answer) if answer[0] < 400 else Told(*answer, PROBLEM)


def asker(permission: str) -> Asker:
    """Return who makes this request, and where it holds a permission."""
    known = principal()
    return Asker(known.source, known.reaches.get(permission, {}))


def find_channel(session: Session, code: str, permission: str) -> ChannelRef:
    """Return a channel in the transaction's scope, with those of its locations where the permission is held.

    NotFound for another entity's, and for another than the token speaks for.
    """
    source = principal().source
    found: list[ChannelRef] = [] if source not in {None, code} else channels_by_code(session, [code])
    if not found:
        raise NotFound(f"there is no channel {code!r} that this token may ask for", channel=code)
    channel = found[0]
    places = principal().locations(permission, channel.entity_id)
    if places is None:
        return channel
    return replace(channel, location_ids=tuple(place for place in channel.location_ids if place in places))


def within(permission: str, entity_id: int) -> Within | None:
    """Return what this request may touch of an entity; None where nothing narrows it."""
    return asker(permission).within(entity_id)
