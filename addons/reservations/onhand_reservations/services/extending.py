"""Extension: a hold lasts longer, or, when its time was up, its units are checked for again."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from onhand.actors import Actor
from onhand.db import cursor, text_array, time_array
from onhand_channels.api import ChannelRef, channels_of
from onhand_stock.api import Accepted, post
from sqlalchemy.orm import Session

from onhand_reservations import settings
from onhand_reservations.services.expiry import close_expired, lapse_group
from onhand_reservations.services.holding import Planned, group_of, held, insert_holds, out_of_stock, plan
from onhand_reservations.services.settling import LockedHold, lock
from onhand_reservations.values import Extended, Extension, HoldRequest, NotAllowed, Unknown, WantedLine

__all__ = ["extend"]

MOVE = """
/* hold.extend */ UPDATE reservations.hold h SET expires_at = e.expires_at
FROM unnest(%s::uuid[], %s::timestamptz[]) AS e (id, expires_at) WHERE h.id = e.id
"""
REPLACED = """
/* hold.replaced */ SELECT h.replaces, h.id FROM reservations.hold h WHERE h.replaces = ANY(%s::uuid[])
"""


class _Renewal(NamedTuple):
    """An expired hold and the request that asks for its units again."""

    hold: LockedHold
    request: HoldRequest


def extend(session: Session, extensions: Sequence[Extension], *, by: Actor, now: datetime) -> list[Extended]:
    """Hold longer, within the channel's policy, and never shorter than before.

    After expiry the units that were neither handed over nor let go are checked for again, as for any new request: they
    are held anew under a new hold that names the old one, or refused. A hold is held anew once.
    """
    holds = lock(session, [one.hold_id for one in extensions])
    channels = {ref.id: ref for ref in channels_of(session, sorted({hold.entity_id for hold in holds.values()}))}
    answers: dict[int, Extended] = {}
    moved: dict[UUID, datetime] = {}
    renewals: dict[int, _Renewal] = {}
    for place, one in enumerate(extensions):
        hold = holds.get(one.hold_id)
        if hold is None or not hold.may_be_touched(one.within):
            answers[place] = NotAllowed("not_found", f"there is no hold {one.hold_id}")
            continue
        found = _decide(session, hold, one, channels[hold.channel_id], now)
        if isinstance(found, datetime):
            hold.expires_at = moved[hold.id] = found
            answers[place] = hold.view()
        elif isinstance(found, NotAllowed):
            answers[place] = found
        else:
            renewals[place] = _Renewal(hold, found)
    if moved:
        cursor(session).execute(MOVE, (_ids(moved), time_array(moved.values())))
    answers |= _renew(session, renewals, by, now)
    return [answers[place] for place in range(len(extensions))]


def _decide(
    session: Session, hold: LockedHold, one: Extension, channel: ChannelRef, now: datetime
) -> datetime | HoldRequest | NotAllowed:
    """Return until when the hold now lasts, or what to ask for anew, or why it cannot be extended."""
    seconds = one.ttl_seconds if one.ttl_seconds is not None else settings.ttl_seconds(session, channel, now)
    most = settings.ttl_seconds_max(session, channel, now)
    if not 1 <= seconds <= most:
        return NotAllowed("ttl", f"must be 1 to {most}, by the policy of this channel", hold.status)
    if hold.status == "held" and hold.expires_at > now:
        return max(hold.expires_at, now + timedelta(seconds=seconds))
    if hold.status not in {"held", "expired"}:
        return NotAllowed("settled", f"the hold is {hold.status}; only a held one is extended", hold.status)
    lines = tuple(
        WantedLine(line.sku, units, line.location)
        for line in hold.lines
        if (units := line.quantity - line.fulfilled - line.released + line.lapsed)
    )
    return HoldRequest(channel, hold.reference, lines, seconds, one.actor, hold.id)


def _renew(
    session: Session, renewals: dict[int, _Renewal], by: Actor, now: datetime
) -> dict[int, Extended]:  # fmt: skip
    """Close expired holds that the sweep has not closed yet, and hold their units anew in the same posting."""
    if not renewals:
        return {}
    answers, asked = _only_once(session, renewals)
    places = list(asked)
    plans = plan(session, [asked[place].request for place in places], now)
    stale = [asked[place] for place in places if asked[place].hold.status == "held"]
    lapses = [lapse_group(one.hold, now, actor=one.request.actor) for one in stale]
    groups = [group_of(one, now) for one in plans if isinstance(one, Planned)]
    results = iter(post(session, [*lapses, *groups], by=by, now=now)[len(lapses) :])
    close_expired(session, [one.hold for one in stale], now)
    granted: list[Planned] = []
    for place, one in zip(places, plans, strict=True):
        if not isinstance(one, Planned):
            answers[place] = _not_anew(one)
            continue
        result = next(results)
        if isinstance(result, Accepted):
            granted.append(one)
            answers[place] = held(one)
        elif result.objection:
            answers[place] = NotAllowed(*result.objection, "expired")
        else:
            answers[place] = out_of_stock(one, result, now)
    insert_holds(session, granted, by=by, now=now)
    return answers


def _only_once(
    session: Session, renewals: dict[int, _Renewal]
) -> tuple[dict[int, Extended], dict[int, _Renewal]]:  # fmt: skip
    """Refuse to renew what was renewed before, or is twice in the list. The old hold's lock makes it sure."""
    ids = _ids(renewal.hold.id for renewal in renewals.values())
    renewed: dict[UUID, UUID | None] = dict(cursor(session).execute(REPLACED, (ids,)).fetchall())
    refused: dict[int, Extended] = {}
    asked: dict[int, _Renewal] = {}
    for place, renewal in renewals.items():
        hold_id = renewal.hold.id
        if hold_id in renewed:
            by_which = renewed[hold_id] or "another of this list"
            refused[place] = NotAllowed("replaced", f"the hold ran out and was replaced by {by_which}", "expired")
        else:
            renewed[hold_id] = None
            asked[place] = renewal
    return refused, asked


def _not_anew(refusal: Unknown | NotAllowed) -> NotAllowed:
    if isinstance(refusal, NotAllowed):
        return refusal
    why = "; ".join(f"{value or field}: {message}" for field, message, value in refusal.errors)
    return NotAllowed("expired", f"the hold ran out, and may not be held anew: {why}", "expired")


def _ids(ids: Iterable[UUID]) -> str:
    return text_array([str(hold_id) for hold_id in ids])
