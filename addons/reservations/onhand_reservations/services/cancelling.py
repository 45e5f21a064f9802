"""Cancellation by a channel: what it no longer wants is let go, however often and in whatever order it is told."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from onhand_channels.api import CancelledUnits
from sqlalchemy.orm import Session

from onhand_reservations.services.settling import LockedHold, lock, release
from onhand_reservations.values import Change, LineQuantity

__all__ = ["cancel"]

FIND = """
/* cancel.find */ SELECT h.id FROM reservations.hold h
JOIN (SELECT DISTINCT * FROM unnest(%s::int[], %s::text[])) AS k (channel_id, reference)
  ON h.channel_id = k.channel_id AND h.reference = k.reference
"""
Wanted = dict[tuple[int, str, int], int]
"""(channel, order, item) → units that are still to be let go."""


def cancel(session: Session, units: Sequence[CancelledUnits], *, by: Actor, now: datetime) -> int:
    """Release cancelled units that are still promised; return how many.

    What is told is the order's total by then, and what was released of it before counts, whoever released it: told
    twice, late, or beside a release by the shop itself, it ends alike. What time alone let go was not cancelled.
    """
    wanted: Wanted = {}
    for one in units:
        key = (one.channel_id, one.order_reference, one.item_id)
        wanted[key] = max(wanted.get(key, 0), one.cancelled)
    orders = sorted({key[:2] for key in wanted})
    parameters = int_array([order[0] for order in orders]), text_array([order[1] for order in orders])
    found = [row[0] for row in cursor(session).execute(FIND, parameters).fetchall()]
    # All of the order's holds, settled ones too: only under their locks is it known what was let go before.
    holds = list(lock(session, found).values()) if found else []
    for hold in holds:
        for line in hold.lines:
            key = (hold.channel_id, hold.reference, line.item_id)
            if key in wanted:
                wanted[key] -= line.released - line.lapsed
    changes = [Change(hold_id, tuple(parts)) for hold_id, parts in _parts(holds, wanted, now).items()]
    if changes:
        release(session, changes, by=by, now=now)
    return sum(part.quantity for change in changes for part in change.lines or ())


def _parts(holds: Sequence[LockedHold], wanted: Wanted, now: datetime) -> dict[UUID, list[LineQuantity]]:
    """Choose the units to let go, oldest hold first. A hold that ran out is left to the sweep."""
    parts: dict[UUID, list[LineQuantity]] = {}
    for hold in holds:
        if hold.status != "confirmed" and (hold.status != "held" or hold.expires_at <= now):
            continue
        for line in hold.lines:
            key = (hold.channel_id, hold.reference, line.item_id)
            take = min(wanted.get(key, 0), line.open)
            if take > 0:
                wanted[key] -= take
                parts.setdefault(hold.id, []).append(LineQuantity(line.line, take))
    return parts
