"""Ask again whether what is open is still true, and close what is gone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_exceptions.kinds import known, true_now
from onhand_exceptions.services.levels import unit_values
from onhand_exceptions.services.settle import Finding, finish, settle
from onhand_exceptions.services.turns import take_turn

__all__ = ["Checked", "recheck"]

BATCH = 1_000

OPEN_KEYS = """
/* exceptions.open_keys */ SELECT cause_key, id, item_id, unit_value_minor FROM exceptions.exception
WHERE entity_id = %s AND status = 'open' AND cause_key > %s ORDER BY cause_key LIMIT %s
"""
REVALUE = """
/* exceptions.revalue */ UPDATE exceptions.exception AS e SET unit_value_minor = v.value
FROM unnest(%s::uuid[], %s::numeric[]) AS v(id, value) WHERE e.id = v.id
"""
KINDS = """
/* exceptions.kinds_of */ SELECT v.kind, array_agg(e.cause_key ORDER BY e.cause_key)
FROM exceptions.exception AS e JOIN exceptions.evidence AS v ON v.exception_id = e.id
WHERE e.entity_id = %s AND e.cause_key = ANY(%s) AND e.status = 'open' AND v.kind = ANY(%s)
GROUP BY v.kind ORDER BY v.kind
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many open exceptions were looked at and closed, and where to go on; `next` None means all are done."""

    looked_at: int
    closed: int
    next: str | None


def recheck(
    session: Session,
    entity_id: int,
    kinds: Collection[str] | None,
    *,
    now: datetime,
    after: str = "",
    limit: int = BATCH,
) -> Checked:
    """Check the open exceptions of an entity, at most `limit` of them, those behind the key `after`.

    Quantities follow what holds now, and money at risk what units are worth now; an exception closes when none of its kinds holds any more. `kinds` None means all
    of the add-ons active for the entity; evidence of any other kind stands. The turn is taken before kinds are asked,
    so that what comes back meanwhile reopens rather than gets lost. Twice is harmless.
    """
    judges = {name: kind for name, kind in known(session, entity_id, now).items() if kinds is None or name in kinds}
    if not judges:
        return Checked(0, 0, None)
    take_turn(session, entity_id)
    opened = cursor(session).execute(OPEN_KEYS, (entity_id, after, limit)).fetchall()
    keys = [row[0] for row in opened]
    if not keys:
        return Checked(0, 0, None)
    touched = _revalue(session, entity_id, opened, now)
    for name, theirs in cursor(session).execute(KINDS, (entity_id, keys, list(judges))).fetchall():
        truths = true_now(session, judges[name], entity_id, theirs, now)
        findings = [Finding(key, truth=truths.get(key)) for key in theirs]
        touched |= set(settle(session, entity_id, judges[name], findings, now))
    closed = finish(session, touched, now)
    return Checked(len(keys), closed, keys[-1] if len(keys) == limit else None)


def _revalue(session: Session, entity_id: int, opened: Sequence[tuple[Any, ...]], now: datetime) -> set[UUID]:
    """Take over what units are worth by now; return the exceptions for which it is not what it was."""
    values = unit_values(session, entity_id, [row[2] for row in opened], now)
    other = [(row[1], value) for row, value in zip(opened, values, strict=True) if row[3] != value]
    if other:
        cursor(session).execute(REVALUE, ([id_ for id_, _ in other], [value for _, value in other]))
    return {id_ for id_, _ in other}
