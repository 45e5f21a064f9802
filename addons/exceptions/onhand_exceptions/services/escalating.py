"""What time does to an exception: it escalates once it is open longer than its service level, and snoozes end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from onhand.contributions import ExceptionKind
from onhand.db import cursor
from onhand.policies.book import Where
from onhand.policies.services import resolve as policy
from sqlalchemy.orm import Session

from onhand_exceptions.kinds import known
from onhand_exceptions.services.levels import service_levels
from onhand_exceptions.services.owners import holders
from onhand_exceptions.services.settle import SELF
from onhand_exceptions.services.telling import Told, tell
from onhand_exceptions.services.turns import take_turn

__all__ = ["ESCALATE_TO", "escalate", "wake"]

BATCH = 1_000
HANDED_UP = 2
ESCALATE_TO = "exceptions.escalate_to"

DUE = """
/* exceptions.due */ SELECT id, kind, location_id, escalation, owner_user_id FROM exceptions.exception
WHERE entity_id = %s AND escalates_at <= %s AND snooze IS NULL ORDER BY escalates_at LIMIT %s
"""
ESCALATE = """
/* exceptions.escalate */ UPDATE exceptions.exception AS e
SET state = 'escalating', for_review = true, escalation = up.level, escalates_at = up.next_at, owner_user_id = up.owner_id
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[], %s::int[]) AS up(id, level, next_at, owner_id)
WHERE e.id = up.id AND e.status = 'open'
"""
WAKE = """
/* exceptions.wake */ WITH due AS (
  SELECT id FROM exceptions.exception WHERE entity_id = %(entity_id)s AND snooze = 'date' AND snooze_until <= %(now)s
  ORDER BY snooze_until LIMIT %(limit)s
), woken AS (
  UPDATE exceptions.exception AS e SET snooze = NULL, snooze_until = NULL, for_review = true
  FROM due WHERE e.id = due.id RETURNING e.id, e.entity_id
)
INSERT INTO exceptions.activity (exception_id, entity_id, verb, recorded_at, actor, actor_name, note)
SELECT id, entity_id, 'woken', %(now)s, %(actor)s, %(name)s, 'its date has come' FROM woken ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class _Due:
    id: UUID
    kind: str
    location_id: int | None
    level: int
    owner_id: int | None


def escalate(session: Session, entity_id: int, *, now: datetime, limit: int = BATCH) -> int:
    """Escalate what has been open longer than its service level, at most `limit`; return how many.

    First it says so and waits for review again. When as much time has passed once more, it is given to somebody with
    the role of the policy `exceptions.escalate_to`, where there is one. What is snoozed rests. Twice is harmless: what
    was escalated is not due again.
    """
    take_turn(session, entity_id)
    rows = cursor(session).execute(DUE, (entity_id, now, limit)).fetchall()
    due = [_Due(row[0], row[1], row[2], row[3] + 1, row[4]) for row in rows]
    if not due:
        return 0
    spans = _spans(session, entity_id, due, now)
    owners = _owners(session, entity_id, due, now)
    next_at = [None if one.level == HANDED_UP else now + spans[one.id] for one in due]
    owner_ids = [owners.get(one.id, one.owner_id) for one in due]
    cursor(session).execute(ESCALATE, ([one.id for one in due], [one.level for one in due], next_at, owner_ids))
    told: list[Told] = []
    for one in due:
        hours = int(spans[one.id] / timedelta(hours=1)) * one.level
        told.append((one.id, entity_id, "escalated", None, f"open for more than {hours} h"))
        if one.id in owners and owners[one.id] != one.owner_id:
            told.append((one.id, entity_id, "assigned", owners[one.id], None))
    tell(session, told, by=SELF, now=now)
    return len(due)


def wake(session: Session, entity_id: int, *, now: datetime, limit: int = BATCH) -> int:
    """End the snoozes whose date has come, at most `limit`; return how many. Twice is harmless."""
    take_turn(session, entity_id)
    by = {"entity_id": entity_id, "now": now, "limit": limit, "actor": SELF.ref, "name": SELF.name}
    return cursor(session).execute(WAKE, by).rowcount


def _spans(session: Session, entity_id: int, due: Sequence[_Due], now: datetime) -> dict[UUID, timedelta]:
    contributed = known(session, entity_id, now)
    spans: dict[UUID, timedelta] = {}
    for name in sorted({one.kind for one in due}):
        theirs = [one for one in due if one.kind == name]
        kind = contributed.get(name) or ExceptionKind(name, name, still_true=lambda *_: [])
        levels = service_levels(session, entity_id, kind, [one.location_id for one in theirs], now)
        spans |= {one.id: level for one, level in zip(theirs, levels, strict=True)}
    return spans


def _owners(session: Session, entity_id: int, due: Sequence[_Due], now: datetime) -> dict[UUID, int]:
    """Return to whom those are given that have been told before."""
    role = str(policy(session, ESCALATE_TO, Where(entity_id=entity_id), at=now))
    again = [one for one in due if one.level == HANDED_UP]
    if not role or not again:
        return {}
    found = holders(session, entity_id, role, {one.location_id for one in again})
    return {one.id: found[one.location_id] for one in again if one.location_id in found}
