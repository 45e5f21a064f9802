"""What goes wrong at the intake, as causes of exceptions: one key per event, one per channel and type."""

from datetime import datetime
from urllib.parse import quote

from onhand.events import Cause

from onhand_channels import reasons

__all__ = ["conflict", "event_of", "gap", "gap_of", "late", "parked", "place_of"]


def parked(
    entity_id: int, channel: str, event_id: str, type_name: str, reason: str, detail: str, at: datetime
) -> Cause:
    """An event that is kept and not carried out."""
    return Cause(
        key=_event_key(channel, event_id),
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=1,
        occurred_at=at,
        title=f"{reasons.title(reason)}: {type_name} {event_id} of {channel} is parked",
        evidence=_links(channel, event_id) | {"reason": reason, "detail": detail, "type": type_name},
    )


def conflict(entity_id: int, channel: str, event_id: str, bodies: int, at: datetime) -> Cause:
    """An id that came again with other bodies."""
    return Cause(
        key=_event_key(channel, event_id),
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=bodies,
        occurred_at=at,
        title=f"{event_id} of {channel} came again with another body",
        evidence=_links(channel, event_id),
    )


def late(entity_id: int, channel: str, type_name: str, events: int, seconds: float, limit: int, at: datetime) -> Cause:
    """A channel that tells facts of a type later than it may."""
    return Cause(
        key=f"latency:{channel}:{type_name}",
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=events,
        occurred_at=at,
        title=f"{channel} tells {type_name} {seconds:.0f} s late; {limit} s are allowed",
        evidence={
            "channel": channel,
            "type": type_name,
            "latency_s": round(seconds, 1),
            "limit_s": limit,
            "href": f"/channels/{quote(channel)}",
        },
    )


def gap(
    entity_id: int, channel: str, item_id: int, location_id: int, sku: str, location: str, theirs: int, ours: int,
    at: datetime, *, whose: str = "the book", page: str | None = None,
) -> Cause:  # fmt: skip
    """A channel's own number of an item at a location that is not `ours`: what the book had, or what `whose` says."""
    where = page or f"reports?location={quote(location, safe='')}"
    return Cause(
        key=f"sync_gap:{channel}:{location_id}:{item_id}",
        entity_id=entity_id,
        item_id=item_id,
        location_id=location_id,
        quantity=abs(theirs - ours),
        occurred_at=at,
        title=f"{channel} has {theirs} of {sku} at {location}, {whose} {ours}",
        evidence={
            "channel": channel,
            "sku": sku,
            "location": location,
            "theirs": theirs,
            "ours": ours,
            "difference": theirs - ours,
            "as_of": at.isoformat(),
            "href": f"/channels/{quote(channel)}/{where}",
        },
    )


def gap_of(key: str) -> tuple[str, int, int]:
    """Return the channel's code, the location and the item that a key of a gap names."""
    channel, location_id, item_id = key.removeprefix("sync_gap:").rsplit(":", 2)
    return channel, int(location_id), int(item_id)


def event_of(key: str) -> tuple[str, str]:
    """Return the channel's code and the event's id that a key names; a code has no slash, an id may."""
    channel, _, event_id = key.removeprefix("event:").partition("/")
    return channel, event_id


def place_of(key: str) -> tuple[str, str]:
    """Return the channel's code and the type that a key of lateness names; a code has no colon."""
    channel, _, type_name = key.removeprefix("latency:").partition(":")
    return channel, type_name


def _event_key(channel: str, event_id: str) -> str:
    return f"event:{channel}/{event_id}"


def _links(channel: str, event_id: str) -> dict[str, str]:
    # An id may hold anything, dots and slashes too, which browsers rewrite in a path: so it goes into the query.
    return {
        "channel": channel,
        "event": event_id,
        "document": event_id,
        "href": f"/channels/{quote(channel)}/event?id={quote(event_id, safe='')}",
    }
