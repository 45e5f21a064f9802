"""Conflicts: a person says of an id that came with several bodies that it is looked into."""

from collections.abc import Sequence
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, text_array
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef

__all__ = ["settle_conflicts"]

SETTLE = """
/* conflicts.settle */ UPDATE channels.event_conflict SET settled_at = %s, settled_by = %s, note = %s
WHERE channel_id = %s AND event_id = ANY(%s::text[]) AND settled_at IS NULL
RETURNING event_id
"""


def settle_conflicts(
    session: Session, channel: ChannelRef, ids: Sequence[str], note: str, *, by: Actor, now: datetime
) -> list[str]:
    """Settle what is open under these ids of events, and return the ids where anything was.

    The first body stands, whatever was found: if another one was right, its sender tells it under a new id. A body
    that comes again stays settled; yet another one opens the conflict again.
    """
    rows = cursor(session).execute(SETTLE, (now, by.ref, note, channel.id, text_array(ids))).fetchall()
    settled = sorted({row[0] for row in rows})
    for event_id in settled:
        audit.record(
            session, by, "channels.settle_conflict", f"event:{channel.code}/{event_id}", reason=note,
            entity_id=channel.entity_id,
        )  # fmt: skip
    return settled
