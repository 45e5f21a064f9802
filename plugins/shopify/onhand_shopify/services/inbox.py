"""Webhooks as they came: kept once, looked at again, thrown away when their time is over."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from onhand.ids import uuid7
from onhand_channels.api import ChannelRef
from sqlalchemy.orm import Session

__all__ = ["keep", "prune", "replay", "set_aside", "wake"]

REPLAY_MAX = 1_000
PRUNE_MAX = 5_000
KEEP = """
/* shopify.keep */ INSERT INTO shopify.delivery
  (id, channel_id, entity_id, webhook_id, topic, received_at, body, outcome)
SELECT %s, s.channel_id, s.entity_id, %s, %s, %s, %s, 'waiting' FROM shopify.shop s WHERE s.channel_id = %s
ON CONFLICT (channel_id, webhook_id) DO NOTHING
"""
AGAIN = "SET outcome = 'waiting', reason = NULL, code = NULL, detail = NULL, settled_at = NULL"
WAKE = f"""
/* shopify.wake */ UPDATE shopify.delivery {AGAIN}
WHERE channel_id = %s AND outcome = 'parked' AND reason = %s AND code = ANY(%s::text[])
"""
REPLAY = f"""
/* shopify.replay */ UPDATE shopify.delivery {AGAIN}
WHERE id IN (
  SELECT id FROM shopify.delivery WHERE channel_id = %s AND outcome IN ('parked', 'unhandled')
    AND (outcome = 'parked' OR %s::uuid[] IS NOT NULL) AND (%s::uuid[] IS NULL OR id = ANY(%s::uuid[]))
  ORDER BY received_at, id LIMIT %s FOR UPDATE
)
"""
SET_ASIDE = """
/* shopify.set_aside */ UPDATE shopify.delivery SET outcome = 'nothing', reason = NULL, code = NULL, detail = %s
WHERE channel_id = %s AND id = ANY(%s::uuid[]) AND outcome = 'parked'
"""
PRUNE = """
/* shopify.prune */ DELETE FROM shopify.delivery WHERE id IN (
  SELECT id FROM shopify.delivery WHERE entity_id = ANY(%s::int[]) AND received_at < %s
    AND outcome IN ('taken', 'nothing', 'unhandled') ORDER BY received_at LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


def keep(session: Session, channel_id: int, webhook_id: str, topic: str, body: bytes, *, now: datetime) -> bool:
    """Keep a webhook as it came; False where its id was kept before, and then nothing changes."""
    return cursor(session).execute(KEEP, (uuid7(), webhook_id, topic, now, body, channel_id)).rowcount > 0


def wake(session: Session, channel_id: int, reason: str, codes: Iterable[str]) -> int:
    """Have webhooks that were parked for want of these looked at again; return how many. The caller has a job do it."""
    named = text_array(sorted(set(codes)))
    return cursor(session).execute(WAKE, (channel_id, reason, named)).rowcount


def replay(session: Session, channel: ChannelRef, ids: Sequence[UUID] | None, *, by: Actor) -> int:
    """Have parked webhooks looked at again, all of them (1,000 at once) when `ids` is None; return how many. Twice is harmless."""
    named = None if ids is None else list(ids)
    done = cursor(session).execute(REPLAY, (channel.id, named, named, named, REPLAY_MAX)).rowcount
    if done:
        audit.record(session, by=by, action="shopify.replay", subject=f"channel:{channel.code}",
                     after={"deliveries": done}, entity_id=channel.entity_id)  # fmt: skip
    return done


def set_aside(session: Session, channel: ChannelRef, ids: Sequence[UUID], reason: str, *, by: Actor) -> int:
    """Be done with parked webhooks that will never be told, saying why; return how many. Twice is harmless."""
    detail = f"set aside by {by.name}: {reason}".replace("\x00", "")[:500]
    done = cursor(session).execute(SET_ASIDE, (detail, channel.id, list(ids))).rowcount
    if done:
        audit.record(session, by=by, action="shopify.set_aside", subject=f"channel:{channel.code}",
                     after={"deliveries": done, "reason": reason}, entity_id=channel.entity_id)  # fmt: skip
    return done


def prune(session: Session, entities: Sequence[int], *, before: datetime) -> int:
    """Throw away webhooks of before a moment that are done with, at most 5,000; return how many. Parked ones stay.

    What they told stays: the channel's inbox keeps every event for ever, without the customer's name and address.
    """
    return cursor(session).execute(PRUNE, (int_array(entities), before, PRUNE_MAX)).rowcount
