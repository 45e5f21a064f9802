"""What goes wrong at the intake, told as exceptions, and whether it is still so."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from onhand.db import cursor, text_array
from onhand.events import Cause, ExceptionsRaised
from onhand.outbox import publish_all
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_channels.services import causes, latency
from onhand_channels.services.arrivals import Arrival
from onhand_channels.values import Incoming

__all__ = ["conflicts_standing", "latency_standing", "parked_standing", "tell_conflicts", "tell_new"]

STANDING_MAX = 10_000
PARKED = """
/* evidence.parked */ SELECT c.code, e.event_id, e.type, e.reason, e.detail, e.recorded_at
FROM channels.event e JOIN channels.channel c ON c.id = e.channel_id
WHERE e.entity_id = %s AND e.outcome = 'parked' ORDER BY e.recorded_at LIMIT %s
"""
PARKED_AMONG = """
/* evidence.parked_among */ SELECT c.code, e.event_id, e.type, e.reason, e.detail, e.recorded_at
FROM unnest(%s::text[], %s::text[]) AS k (code, event_id)
JOIN channels.channel c ON c.code = k.code JOIN channels.event e ON e.channel_id = c.id AND e.event_id = k.event_id
WHERE e.entity_id = %s AND e.outcome = 'parked'
"""
CONFLICTS = """
/* evidence.conflicts */ SELECT c.code, f.event_id, count(*), max(f.recorded_at)
FROM channels.event_conflict f JOIN channels.channel c ON c.id = f.channel_id
WHERE f.entity_id = %s AND f.settled_at IS NULL GROUP BY 1, 2 ORDER BY 4 LIMIT %s
"""
CONFLICTS_AMONG = """
/* evidence.conflicts_among */ SELECT c.code, f.event_id, count(*), max(f.recorded_at)
FROM unnest(%s::text[], %s::text[]) AS k (code, event_id)
JOIN channels.channel c ON c.code = k.code
JOIN channels.event_conflict f ON f.channel_id = c.id AND f.event_id = k.event_id
WHERE f.entity_id = %s AND f.settled_at IS NULL GROUP BY 1, 2
"""


def tell_new(session: Session, new: Iterable[Arrival], *, now: datetime) -> None:
    """Tell which new events are parked, and which channels told facts later than they may; nothing of shadows."""
    by_entity: dict[int, list[Arrival]] = {}
    for one in new:
        if one.event.channel.is_shadow:
            continue
        by_entity.setdefault(one.event.channel.entity_id, []).append(one)
    told: list[ExceptionsRaised] = []
    for entity_id, ones in by_entity.items():
        if context(session).addons.caller("exceptions_raised", entity_id, now) is None:
            continue
        parked = tuple(_parked(entity_id, one) for one in ones if one.fault is not None)
        late = tuple(latency.late_now(session, entity_id, [one.event for one in ones if one.fault is None], now))
        told += [
            ExceptionsRaised(entity_id, kind, found)
            for kind, found in (("event_parked", parked), ("latency_breach", late))
            if found
        ]
    if told:
        publish_all(session, told)


def tell_conflicts(session: Session, events: Sequence[Incoming], *, now: datetime) -> None:
    """Tell which ids came again with another body."""
    by_entity: dict[int, dict[str, Cause]] = {}
    for event in events:
        cause = causes.conflict(event.channel.entity_id, event.channel.code, event.id, 1, now)
        by_entity.setdefault(cause.entity_id, {})[cause.key] = cause
    publish_all(
        session,
        [
            ExceptionsRaised(entity_id, "event_conflict", tuple(found.values()))
            for entity_id, found in by_entity.items()
        ],
    )


def parked_standing(
    session: Session, entity_id: int, keys: Collection[str] | None, now: datetime  # noqa: ARG001 - its hook hands it in
) -> list[Cause]:  # fmt: skip
    """Return the events that are still parked: among `keys`, or the oldest 10,000 of all."""
    rows = _standing(session, PARKED, PARKED_AMONG, entity_id, keys)
    return [causes.parked(entity_id, *row) for row in rows]


def conflicts_standing(
    session: Session, entity_id: int, keys: Collection[str] | None, now: datetime  # noqa: ARG001 - its hook hands it in
) -> list[Cause]:  # fmt: skip
    """Return the conflicts that nobody has settled: among `keys`, or the oldest 10,000 of all."""
    rows = _standing(session, CONFLICTS, CONFLICTS_AMONG, entity_id, keys)
    return [causes.conflict(entity_id, *row) for row in rows]


def latency_standing(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:
    """Return the channels and types that, at the 95th percentile of late, tell facts later than they may."""
    wanted = None if keys is None else {causes.place_of(key) for key in keys}
    return latency.standing(session, entity_id, wanted, now)


def _standing(
    session: Session, whole: str, among: str, entity_id: int, keys: Collection[str] | None
) -> list[tuple[Any, ...]]:
    if keys is None:
        rows = cursor(session).execute(whole, (entity_id, STANDING_MAX)).fetchall()
    else:
        named = [causes.event_of(key) for key in keys]
        codes, ids = text_array([code for code, _ in named]), text_array([event_id for _, event_id in named])
        rows = cursor(session).execute(among, (codes, ids, entity_id)).fetchall()
    return rows


def _parked(entity_id: int, one: Arrival) -> Cause:
    event, fault = one.event, one.fault
    assert fault is not None  # noqa: S101 - the caller asks for parked ones
    return causes.parked(
        entity_id, event.channel.code, event.id, event.type, fault.reason, fault.detail, event.occurred_at
    )  # fmt: skip
