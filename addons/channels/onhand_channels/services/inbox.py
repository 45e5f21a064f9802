"""The inbox: every event once for ever, and beside it whatever else came under its id."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from onhand.db import bytes_array, cursor, int_array, text_array, time_array
from sqlalchemy.orm import Session

from onhand_channels.services.arrivals import Arrival, EventKey
from onhand_channels.values import Fault, Incoming

__all__ = ["first_bodies", "keep", "keep_conflicts", "mark", "same_body"]

SEPARATOR = "\x1e"  # JSON text never contains a raw control character but white space, so bodies can be joined by one
KEEP = """
/* inbox.keep */ INSERT INTO channels.event
  (channel_id, event_id, entity_id, outcome, reason, detail, type, occurred_at, recorded_at, posted_at, body)
SELECT e.channel_id, e.event_id, e.entity_id, e.outcome, e.reason,
  e.detail, e.type, e.occurred_at, %(now)s, CASE WHEN e.outcome = 'posted' THEN %(now)s::timestamptz END, e.body
FROM unnest(%(channels)s::int[], %(ids)s::text[], %(entities)s::int[], %(outcomes)s::text[], %(reasons)s::text[],
  %(details)s::text[], %(types)s::text[], %(times)s::timestamptz[], string_to_array(%(bodies)s, E'\\x1e'))
  AS e (channel_id, event_id, entity_id, outcome, reason, detail, type, occurred_at, body)
ON CONFLICT DO NOTHING
RETURNING channel_id, event_id
"""
FIRST_BODIES = """
/* inbox.first_bodies */ SELECT e.channel_id, e.event_id, e.body
FROM unnest(%s::int[], %s::text[]) AS k (channel_id, event_id)
JOIN channels.event e ON e.channel_id = k.channel_id AND e.event_id = k.event_id
"""
KEEP_CONFLICTS = """
/* inbox.keep_conflicts */ INSERT INTO channels.event_conflict
  (channel_id, event_id, digest, entity_id, recorded_at, body)
SELECT c.channel_id, c.event_id, c.digest, c.entity_id, %s, c.body
FROM unnest(%s::int[], %s::text[], %s::bytea[], %s::int[], string_to_array(%s, E'\\x1e'))
  AS c (channel_id, event_id, digest, entity_id, body)
ON CONFLICT DO NOTHING
RETURNING channel_id, event_id
"""
MARK = """
/* inbox.mark */ UPDATE channels.event e
SET outcome = CASE WHEN m.reason IS NULL THEN 'posted' ELSE 'parked' END, reason = m.reason, detail = m.detail,
  occurred_at = m.occurred_at, posted_at = CASE WHEN m.reason IS NULL THEN %s::timestamptz END
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) AS m (event_id, reason, detail, occurred_at)
WHERE e.channel_id = %s AND e.event_id = m.event_id
"""
DETAIL_CHARACTERS_MAX = 500


def keep(session: Session, ordered: Sequence[Arrival], now: datetime) -> set[EventKey]:
    """Insert events, given in key order, and return the keys of those that were not there.

    Waits for whoever inserts the same ones: of two deliveries of one event exactly one finds it new.
    """
    if not ordered:
        return set()
    events = [one.event for one in ordered]
    reasons, details = _faults([one.fault for one in ordered])
    parameters = {
        "now": now,
        "channels": int_array([event.channel.id for event in events]),
        "ids": text_array([event.id for event in events]),
        "entities": int_array([event.channel.entity_id for event in events]),
        "outcomes": text_array([one.outcome for one in ordered]),
        "reasons": reasons,
        "details": details,
        "types": text_array([event.type for event in events]),
        "times": time_array([one.occurred_at for one in ordered]),
        "bodies": SEPARATOR.join([event.body for event in events]),
    }
    return {(row[0], row[1]) for row in cursor(session).execute(KEEP, parameters).fetchall()}


def first_bodies(session: Session, keys: Sequence[EventKey]) -> dict[EventKey, str]:
    """Return the bodies that were kept first under these keys."""
    columns = int_array([key[0] for key in keys]), text_array([key[1] for key in keys])
    return {(row[0], row[1]): row[2] for row in cursor(session).execute(FIRST_BODIES, columns).fetchall()}


def keep_conflicts(session: Session, events: Sequence[Incoming], now: datetime) -> set[EventKey]:
    """Keep bodies that came under the id of another event, each body once; return the keys that got a new one.

    Like events they are inserted in key order, before any other lock is taken.
    """
    by_key = {(event.channel.id, event.id, _digest(event.body)): event for event in events}
    ordered = sorted(by_key)
    kept = [by_key[key] for key in ordered]
    parameters = (
        now,
        int_array([key[0] for key in ordered]),
        text_array([key[1] for key in ordered]),
        bytes_array([key[2] for key in ordered]),
        int_array([event.channel.entity_id for event in kept]),
        SEPARATOR.join([event.body for event in kept]),
    )
    return {(row[0], row[1]) for row in cursor(session).execute(KEEP_CONFLICTS, parameters).fetchall()}


def mark(session: Session, channel_id: int, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Mark parked events of a channel, which the caller has locked, as posted now or with today's fault."""
    reasons, details = _faults([one.fault for one in arrivals])
    ids, times = text_array([one.event.id for one in arrivals]), time_array([one.occurred_at for one in arrivals])
    cursor(session).execute(MARK, (now, ids, reasons, details, times, channel_id))


def same_body(first: str, second: str) -> bool:
    """Tell whether two bodies say the same, whatever their white space and the order of their members."""
    return first == second or _canonical(first) == _canonical(second)


def _canonical(body: str) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    except (msgspec.DecodeError, RecursionError):  # a number beyond all bounds, say: then the text itself is compared
        return body.encode()


def _digest(body: str) -> bytes:
    return hashlib.sha256(_canonical(body)).digest()


def _faults(faults: Sequence[Fault | None]) -> tuple[str, str]:
    reasons = text_array([fault.reason if fault else None for fault in faults])
    return reasons, text_array([_storable(fault.detail) if fault else None for fault in faults])


def _storable(detail: str) -> str:
    return detail.replace("\x00", "")[:DETAIL_CHARACTERS_MAX]
