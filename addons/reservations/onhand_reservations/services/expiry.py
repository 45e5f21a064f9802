"""Expiry: holds whose time is up give their units back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from onhand.actors import Actor
from onhand.db import cursor, int_array
from onhand_stock.api import Group, post
from sqlalchemy.orm import Session

from onhand_reservations.services.holding import CATALOGUE
from onhand_reservations.services.settling import LockedHold, lock, mark_lapsed, release_group, settle
from onhand_reservations.values import HoldRequest, Wish

__all__ = ["BATCH_MAX", "TIMEOUT", "close_expired", "expire_due", "lapse_group", "make_room"]

BATCH_MAX = 500
TIMEOUT = "timeout"
DUE = """
/* expiry.due */ SELECT h.id FROM reservations.hold h WHERE h.status = 'held' AND h.expires_at <= %s
ORDER BY h.expires_at LIMIT %s FOR NO KEY UPDATE OF h SKIP LOCKED
"""
IN_THE_WAY = """
/* expiry.in_the_way */ SELECT h.id FROM reservations.hold h WHERE h.status = 'held' AND h.expires_at <= %s
  AND EXISTS (SELECT FROM reservations.hold_line l
    WHERE l.hold_id = h.id AND l.item_id = ANY(%s::int[]) AND l.fulfilled + l.released < l.quantity)
ORDER BY h.id LIMIT %s FOR NO KEY UPDATE OF h
"""


def expire_due(session: Session, *, by: Actor, now: datetime, limit: int = BATCH_MAX) -> int:
    """Release holds that are due, at most `limit` of them, and return how many. Twice is harmless: it is not due then.

    Holds that someone works on just now are left for the next time.
    """
    return _expire(session, [row[0] for row in cursor(session).execute(DUE, (now, limit)).fetchall()], by, now)


def make_room(session: Session, requests: Sequence[HoldRequest | Wish], *, by: Actor, now: datetime) -> int:
    """Release holds that are due and keep units of what is asked for; return how many.

    Waits for whoever works on one of them, the sweep say: when this has committed, their units are on the shelf.
    """
    skus = {line.sku for request in requests for line in request.lines}
    ids = int_array(sorted({item.id for item in CATALOGUE.resolve(session, skus=skus).by_sku.values()}))
    rows = cursor(session).execute(IN_THE_WAY, (now, ids, BATCH_MAX)).fetchall()
    return _expire(session, [row[0] for row in rows], by, now)


def _expire(session: Session, due: Sequence[UUID], by: Actor, now: datetime) -> int:
    if due:
        holds = list(lock(session, due).values())
        post(session, [lapse_group(hold, now) for hold in holds], by=by, now=now)
        close_expired(session, holds, now)
    return len(due)


def lapse_group(hold: LockedHold, now: datetime, *, actor: str | None = None) -> Group:
    """Return the movements that give back all that an expired hold still promises."""
    part = [(line, line.open) for line in hold.lines if line.open]
    return release_group(hold, part, now, reason=TIMEOUT, actor=actor)


def close_expired(session: Session, holds: Sequence[LockedHold], now: datetime) -> None:
    """Write that holds expired and what of them lapsed, after their `lapse_group` was posted."""
    if holds:
        sql = cursor(session)
        mark_lapsed(sql, [(hold.id, line.line, line.open) for hold in holds for line in hold.lines if line.open])
        settle(sql, {hold.id: ("expired", TIMEOUT) for hold in holds}, now)
