"""The history of channels: every step of their lives, kept for ever."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.values import ChannelRef

__all__ = ["record"]

RECORD = """
/* steps.record */ INSERT INTO channels.lifecycle_step
  (channel_id, entity_id, from_state, to_state, recorded_at, actor, actor_name, reason, checks)
SELECT s.channel_id, s.entity_id, s.from_state, s.to_state, %s, %s, %s, s.reason, s.checks::jsonb
FROM unnest(%s::int[], %s::int[], %s::text[], %s::text[], %s::text[], %s::text[])
  AS s (channel_id, entity_id, from_state, to_state, reason, checks)
"""
Step = tuple[ChannelRef, str | None, str, str, list[dict[str, Any]] | None]
"""Channel, the state it comes from, the one it goes to, why, and the checklist as it was."""


def record(session: Session, steps: Sequence[Step], *, by: Actor, now: datetime) -> None:
    """Add steps to their channels' histories."""
    parameters = (
        now,
        by.ref,
        by.name,
        int_array([step[0].id for step in steps]),
        int_array([step[0].entity_id for step in steps]),
        text_array([step[1] for step in steps]),
        text_array([step[2] for step in steps]),
        text_array([step[3] or None for step in steps]),
        text_array([None if step[4] is None else msgspec.json.encode(step[4]).decode() for step in steps]),
    )
    cursor(session).execute(RECORD, parameters)
