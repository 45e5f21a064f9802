"""Arrivals: from the text of one event to what it is, or why it is none."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from onhand_channels import reasons
from onhand_channels.schemas.cloudevents import Envelope, NotACloudEvent, decode_envelope
from onhand_channels.services.event_types import Understood
from onhand_channels.states import RETIRED, SUSPENDED
from onhand_channels.values import ChannelRef, Fault, Incoming, Outcome

__all__ = [
    "EARLIEST",
    "FUTURE_TOLERANCE",
    "Arrival",
    "EventKey",
    "arrive",
    "nameless",
    "outcome_of",
    "problem",
    "retired",
]

FUTURE_TOLERANCE = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
STOPPED = frozenset({SUSPENDED, RETIRED})
EventKey = tuple[int, str]


class Arrival(msgspec.Struct, gc=False):
    """An event that is kept, whatever else is the matter with it, on its way through the intake.

    `occurred_at` is None where the event's own time is missing, in the future or implausible. `place` is its delivery
    and its position there.
    """

    event: Incoming
    type: Understood | None
    occurred_at: datetime | None
    fault: Fault | None = None
    plan: Any = None
    place: tuple[int, int] = (0, 0)

    @property
    def key(self) -> EventKey:
        """What it is kept under, once for ever."""
        return self.event.channel.id, self.event.id

    @property
    def outcome(self) -> str:
        """What it is kept as."""
        if self.event.channel.is_shadow:
            return "shadowed"
        return "posted" if self.fault is None else "parked"


def arrive(
    channel: ChannelRef, raw: msgspec.Raw, actor: str | None, types: Mapping[str, Understood], now: datetime
) -> Arrival | Outcome:
    """Return an event with its data decoded or its fault named, or the refusal of what is no CloudEvent."""
    try:
        text = bytes(raw)
        envelope = decode_envelope(text)
        body = text.decode()
    except NotACloudEvent as error:
        return _refused(raw, str(error))
    occurred_at = envelope.time
    if occurred_at is not None and not EARLIEST <= occurred_at <= now + FUTURE_TOLERANCE:
        occurred_at = None
    event = Incoming(channel, envelope.id, envelope.type, occurred_at or now, None, body, actor)
    one = Arrival(event, types.get(envelope.type), occurred_at)
    one.fault = _fault(one, envelope, now)
    return one


def _fault(one: Arrival, envelope: Envelope, now: datetime) -> Fault | None:
    """Say what keeps an event from being read, if anything does; decode its data otherwise."""
    channel = one.event.channel
    if envelope.source != channel.code:
        return Fault("foreign_source", f"this token speaks for {channel.code!r}, the event for {envelope.source!r}")
    if channel.state in STOPPED:
        return Fault(f"channel_{channel.state}", f"channel {channel.code!r} is {channel.state}")
    if one.type is None:
        return Fault("unhandled", f"nobody here understands events of type {envelope.type!r}", envelope.type)
    if envelope.time is None:
        return Fault("time_missing", "the event says not when it happened")
    if one.occurred_at is None:
        if envelope.time < EARLIEST:
            return Fault("time_implausible", f"{envelope.time.isoformat()} is before {EARLIEST.date()}")
        return Fault("time_in_future", f"{envelope.time.isoformat()} is later than now, {now.isoformat()}")
    if not envelope.data:
        return Fault("invalid_data", "the event has no data")
    try:
        one.event.data = one.type.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Fault("invalid_data", f"data: {error}")
    return None


def outcome_of(one: Arrival) -> Outcome:
    """Return what a new event's sender is told: posted, or parked and why; shadowed where the channel is not live yet."""
    if one.fault is None:
        return Outcome(one.event.id, one.outcome)
    return Outcome(one.event.id, one.outcome, problem(one.fault.reason, one.fault.detail))


def problem(reason: str, detail: str) -> dict[str, Any]:
    """Return why an event was not carried out, as a problem beside its outcome."""
    return {"type": f"/problems/{reasons.problem_type(reason)}", "title": reasons.title(reason), "detail": detail}


def nameless(raw: msgspec.Raw) -> Outcome:
    """Refuse what names no source, where the sender's token names none either: there is no channel to keep it for."""
    return _refused(raw, "it names no source")


def retired(channel: ChannelRef, raw: msgspec.Raw) -> Outcome:
    """Refuse what is told for a retired channel: it is not kept."""
    return Outcome(_id_of(raw), "refused", problem("channel_retired", f"channel {channel.code!r} is retired"))


def _refused(raw: msgspec.Raw, detail: str) -> Outcome:
    return Outcome(_id_of(raw), "refused", problem(reasons.NOT_A_CLOUDEVENT, detail))


def _id_of(raw: msgspec.Raw) -> str | None:
    """Return the id of something that is no CloudEvent, if it has a readable one, so that its sender finds it."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found["id"] if isinstance(found, dict) and isinstance(found.get("id"), str) else None
