"""Replay: try parked events again once what they lacked is mended."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from onhand.actors import Actor
from onhand.db import cursor, text_array
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_channels import reasons
from onhand_channels.services import inbox
from onhand_channels.services.arrivals import Arrival, arrive, outcome_of
from onhand_channels.services.event_types import event_types_of
from onhand_channels.services.intake import carry_out, read
from onhand_channels.values import ChannelRef, Fault, Incoming, Outcome

__all__ = ["REPLAY_MAX", "parked_ids", "replay"]

REPLAY_MAX = 1_000
LOCK_PARKED = """
/* replay.lock */ SELECT e.event_id, e.type, e.body, e.recorded_at FROM channels.event e
WHERE e.channel_id = %(channel)s AND e.outcome = %(outcome)s AND (%(ids)s::text[] IS NULL OR e.event_id = ANY(%(ids)s::text[]))
ORDER BY e.channel_id, e.event_id LIMIT %(limit)s FOR UPDATE
"""
PARKED_IDS = """
/* replay.ids */ SELECT e.event_id FROM channels.event e
WHERE e.entity_id = %s AND e.channel_id = %s AND e.outcome = %s AND e.event_id > %s ORDER BY e.event_id LIMIT %s
"""
Row = tuple[str, str, str, datetime]


def replay(
    session: Session,
    channel: ChannelRef,
    ids: Sequence[str] | None,
    *,
    by: Actor,
    now: datetime,
    fault: Fault | None = None,
    outcome: str = "parked",
) -> list[Outcome]:
    """Try parked events of a channel again, at most 1,000 at once; None asks for the first ones by id.

    An event that can now be read is carried out as if it arrived now, with its own time of occurrence; the others stay
    parked, with today's reason. An event that is not parked is passed over, so replaying twice is harmless. With
    `fault` nothing is carried out: what could be stays parked for that reason.

    `outcome` "shadowed" asks for those told before the channel was live; what of them cannot be read is parked. As long
    as it is not live yet, nothing is replayed.
    """
    if channel.is_shadow:
        return []
    arguments = {
        "channel": channel.id,
        "ids": None if ids is None else text_array(ids),
        "limit": REPLAY_MAX,
        "outcome": outcome,
    }
    rows = cursor(session).execute(LOCK_PARKED, arguments).fetchall()
    addons = context(session).addons
    types = event_types_of(addons)
    understood = types.understood_in(addons, channel.entity_id, now)
    arrivals: list[Arrival] = []
    for event_id, type_name, body, recorded_at in rows:
        one = arrive(channel, msgspec.Raw(body.encode()), None, understood, now)
        if isinstance(one, Outcome):  # kept by an earlier release that took more for a CloudEvent than this one does
            event = Incoming(channel, event_id, type_name, recorded_at, None, body)
            one = Arrival(event, None, None, Fault(reasons.NOT_A_CLOUDEVENT, reasons.mend(reasons.NOT_A_CLOUDEVENT)))
        one.fault = one.fault or fault
        arrivals.append(one)
    read(session, types, arrivals)
    inbox.mark(session, channel.id, arrivals, now)
    carry_out(session, types, arrivals, by, now)
    return [outcome_of(one) for one in arrivals]


def parked_ids(
    session: Session, channel: ChannelRef, *, after: str = "", limit: int = REPLAY_MAX, outcome: str = "parked"
) -> list[str]:
    """Return the ids of a channel's parked (or shadowed) events, in order, those behind an id."""
    arguments = (channel.entity_id, channel.id, outcome, after, limit)
    return [row[0] for row in cursor(session).execute(PARKED_IDS, arguments).fetchall()]
