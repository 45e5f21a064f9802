"""Reversal: a new entry that undoes an old one and names it. Each entry is reversed at most once."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import cursor, int_array, time_array
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_stock.decision import Key
from onhand_stock.kinds import ASKED_KINDS, DERIVED_KINDS
from onhand_stock.movements import Accepted, Group, Move, Refused
from onhand_stock.services.posting import BECOME_APP, BECOME_WRITER, lock_balances, post
from onhand_stock.states import PROMISED, SHORTAGE

__all__ = ["AlreadyReversed", "MovementName", "NoSuchMovement", "NotReversible", "reverse", "why_not_reversible"]

MovementName = tuple[datetime, int]
"""(recorded_at, id): what a ledger entry is called, for ever."""

READ = """
/* reverse.read */ SELECT m.recorded_at, m.id, m.entity_id, m.item_id, m.from_location_id, m.from_state,
  m.to_location_id, m.to_state, m.quantity, m.kind, m.occurred_at, m.trigger, m.source, m.correlation
FROM unnest(%s::timestamptz[], %s::bigint[]) AS k (recorded_at, id)
JOIN stock.movement m ON m.recorded_at = k.recorded_at AND m.id = k.id
WHERE m.entity_id = ANY(%s::int[])
ORDER BY m.recorded_at, m.id
"""
REVERSED = """
/* reverse.reversed */ SELECT r.recorded_at, r.id FROM unnest(%s::timestamptz[], %s::bigint[]) AS k (recorded_at, id)
JOIN stock.reversal r ON r.recorded_at = k.recorded_at AND r.id = k.id
"""
NAME = """
/* reverse.name */ INSERT INTO stock.reversal (recorded_at, id, entity_id, reversed_at)
SELECT k.*, %s::timestamptz FROM unnest(%s::timestamptz[], %s::bigint[], %s::int[]) AS k
"""


class NoSuchMovement(LookupError):
    """A ledger entry that does not exist, or not in this scope."""


class AlreadyReversed(Exception):
    """An entry that has been reversed before; nothing of the list was reversed."""


class NotReversible(Exception):
    """An entry that is undone in another way, which the message names; nothing of the list was reversed."""


class _Original(Struct, frozen=True):
    """The entry that is to be reversed."""

    recorded_at: datetime
    id: int
    entity_id: int
    item_id: int
    from_location_id: int | None
    from_state: str
    to_location_id: int | None
    to_state: str
    quantity: int
    kind: str
    occurred_at: datetime
    trigger: str
    source: str
    correlation: str | None


def reverse(
    session: Session, names: Sequence[MovementName], *, by: Actor, now: datetime, reason: str
) -> list[Accepted | Refused]:
    """Post the opposite of each entry, in the order of the ledger, each for itself.

    A reversal has its original's nature: of a fact it is a fact and may open a shortage, of an intent it is refused
    when the units have moved on. It is dated as its original, so that a count which saw the one sees the other. Raises
    NoSuchMovement, AlreadyReversed or NotReversible, and then nothing of the list was reversed.
    """
    asked = sorted(set(names))
    originals = _read(session, asked)
    for original in originals:
        _demand_reversible(original)
    # Who reverses an entry holds its balances, so of two who race the second sees what the first has done.
    lock_balances(session, _touched(originals))
    if done := cursor(session).execute(REVERSED, _names(asked)).fetchall():
        raise AlreadyReversed(f"{len(done)} of {len(asked)} ledger entries have been reversed before")
    groups = [_opposite(original, reason) for original in originals]
    results = post(session, groups, by=by, now=now)
    _name_reversed(
        session, [one for one, result in zip(originals, results, strict=True) if type(result) is Accepted], now
    )
    return results


def why_not_reversible(kind: str, from_state: str, to_state: str, to_location_id: int | None) -> str | None:
    """Return how else an entry of this form is undone; None when it may be reversed."""
    if kind == "count_adjustment":
        return "a count is corrected by counting again"
    if kind in ASKED_KINDS:
        return "it is adjusted back, under the same rules as an adjustment"
    if kind in DERIVED_KINDS:
        return "it follows from another entry: reverse that one"
    if to_state in PROMISED or (from_state in PROMISED and to_location_id is not None):
        return "it belongs to a promise: what keeps the promise undoes it"
    return None


def _read(session: Session, asked: Sequence[MovementName]) -> list[_Original]:
    scope = int_array(context(session).entities)
    rows = cursor(session).execute(READ, (*_names(asked), scope)).fetchall()
    if len(rows) != len(asked):
        raise NoSuchMovement(f"{len(asked) - len(rows)} of {len(asked)} ledger entries do not exist")
    return [_Original(*row) for row in rows]


def _names(names: Sequence[MovementName]) -> tuple[str, str]:
    return time_array([name[0] for name in names]), int_array([name[1] for name in names])


def _demand_reversible(original: _Original) -> None:
    why = why_not_reversible(original.kind, original.from_state, original.to_state, original.to_location_id)
    if why is not None:
        raise NotReversible(why)


def _touched(originals: Sequence[_Original]) -> dict[Key, int]:
    return {
        (one.item_id, location_id): one.entity_id
        for one in originals
        for location_id in (one.from_location_id, one.to_location_id)
        if location_id is not None
    }


def _opposite(original: _Original, reason: str) -> Group:
    """Return the move back. What the shelf did not have, or a promise that has ended had, goes back to the shelf."""
    target = "available" if original.from_state in PROMISED or original.from_state == SHORTAGE else original.from_state
    move = Move(
        original.kind, original.entity_id, original.item_id, original.quantity, ((original.to_state, None),), target,
        original.to_location_id, original.from_location_id,
    )  # fmt: skip
    return Group(
        key=f"reversal:{original.id}",
        moves=(move,),
        trigger=original.trigger,
        occurred_at=original.occurred_at,
        source=original.source,
        reason=reason,
        correlation=original.correlation,
        reverses=(original.recorded_at, original.id),
    )


def _name_reversed(session: Session, reversed_: Sequence[_Original], now: datetime) -> None:
    if not reversed_:
        return
    sql = cursor(session)
    sql.execute(BECOME_WRITER)
    names = _names([(one.recorded_at, one.id) for one in reversed_])
    sql.execute(NAME, (now, *names, int_array([one.entity_id for one in reversed_])))
    sql.execute(BECOME_APP)
