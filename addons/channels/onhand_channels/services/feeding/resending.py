"""Having numbers sent again: what was parked, or whatever a channel acknowledged of an item, or of all."""

from collections.abc import Collection, Sequence
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef

__all__ = ["count_resent", "resend", "retry_numbers"]

AFFECTED = """
/* feed.affected */ SELECT count(*) FROM channels.feed_key
WHERE channel_id = %(channel)s AND (%(items)s::int[] IS NULL OR item_id = ANY(%(items)s::int[]))
  AND (NOT %(parked)s OR parked_at IS NOT NULL)
"""
# A write that got no answer keeps its name and is tried again as it is.
RETRY = """
/* feed.retry */ UPDATE channels.feed_key SET parked_at = NULL, reason = NULL, detail = NULL, attempts = 0,
  not_before = NULL, change_seq = change_seq + CASE WHEN change_seq = settled_seq THEN 1 ELSE 0 END
WHERE channel_id = %(channel)s AND parked_at IS NOT NULL
  AND (%(items)s::int[] IS NULL OR item_id = ANY(%(items)s::int[]))
  AND (%(reasons)s::text[] IS NULL OR reason = ANY(%(reasons)s::text[]))
"""
FORGET = """
/* feed.resend */ UPDATE channels.feed_key SET parked_at = NULL, reason = NULL, detail = NULL, attempts = 0,
  not_before = NULL, stale = 0, theirs = NULL, theirs_at = NULL, acknowledged_quantity = NULL, acknowledged_at = NULL,
  changed_at = CASE WHEN change_seq > settled_seq THEN changed_at ELSE %(now)s END, change_seq = change_seq + 1
WHERE channel_id = %(channel)s AND (%(items)s::int[] IS NULL OR item_id = ANY(%(items)s::int[]))
"""


def count_resent(session: Session, channel: ChannelRef, item_ids: Sequence[int] | None, *, is_parked: bool) -> int:
    """Return how many keys of a channel would be sent again: of the items, or of all; only those parked, or every one."""
    row = cursor(session).execute(AFFECTED, _arguments(channel, item_ids) | {"parked": is_parked}).fetchone()
    return int(row[0]) if row else 0


def retry_numbers(
    session: Session, channel: ChannelRef, item_ids: Sequence[int] | None = None, *, by: Actor, now: datetime,
    reasons: Collection[str] | None = None,
) -> int:  # fmt: skip
    """Have a channel's numbers that are parked tried again from the first attempt; return how many. Twice is harmless.

    All of them, or those of these items, or those that failed for these `reasons`, as their publisher called them in
    `Failed`: a publisher knows when what it asked for is there. Kept in the audit trail.
    """
    chosen = None if reasons is None else text_array(sorted(reasons))
    given = _arguments(channel, item_ids) | {"reasons": chosen, "now": now}
    done = cursor(session).execute(RETRY, given).rowcount
    _record(session, channel, item_ids, "retry", done, by)
    return done


def resend(
    session: Session, channel: ChannelRef, item_ids: Sequence[int] | None, *, by: Actor, now: datetime
) -> int:  # fmt: skip
    """Have numbers sent again whatever the channel acknowledged, without comparing; return how many keys those are.

    For a channel that lost what it had. What is known to be in flight is netted out as before.
    """
    done = cursor(session).execute(FORGET, _arguments(channel, item_ids) | {"now": now}).rowcount
    _record(session, channel, item_ids, "resend", done, by)
    return done


def _arguments(channel: ChannelRef, item_ids: Sequence[int] | None) -> dict[str, object]:
    return {"channel": channel.id, "items": None if item_ids is None else int_array(item_ids)}


def _record(
    session: Session, channel: ChannelRef, item_ids: Sequence[int] | None, what: str, keys: int, by: Actor
) -> None:  # fmt: skip
    if keys:
        audit.record(
            session, by=by, action=f"channels.feed_{what}", subject=f"channel:{channel.code}",
            after={"keys": keys, "items": None if item_ids is None else list(item_ids)}, entity_id=channel.entity_id,
        )  # fmt: skip
