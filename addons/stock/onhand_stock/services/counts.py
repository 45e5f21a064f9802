"""Absolute counts: what was on the shelf, at a position of the ledger."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array, time_array
from onhand.ids import uuid7
from psycopg.rows import TupleRow
from sqlalchemy.orm import Session

from onhand_stock.decision import Balance, Key, explained_of, unexplained_of
from onhand_stock.movements import Group, Move
from onhand_stock.services import doubts
from onhand_stock.services.posting import BECOME_APP, lock_balances, post
from onhand_stock.states import on_hand

__all__ = ["Count", "Counted", "count"]

LATER = """
/* count.later */ SELECT k.item_id, k.location_id, sum(m.units), coalesce(sum(m.units) FILTER (WHERE m.occurred_at < k.counted_at), 0)
FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::bigint[]) AS k (item_id, location_id, counted_at, position)
JOIN LATERAL (
  SELECT m.occurred_at,
    CASE WHEN m.to_location_id = k.location_id AND m.to_state <> 'in_transit' THEN m.quantity ELSE 0 END
    - CASE WHEN m.from_location_id = k.location_id AND m.from_state <> 'in_transit' THEN m.quantity ELSE 0 END AS units
  FROM stock.movement m
  WHERE m.item_id = k.item_id AND k.location_id IN (m.from_location_id, m.to_location_id)
    AND {after}
) m ON true
GROUP BY k.item_id, k.location_id
"""
AFTER_POSITION = LATER.format(after="m.id > k.position")
AFTER_TIME = LATER.format(after="m.occurred_at >= k.counted_at AND m.recorded_at > %s")
FUTURE_MAX = timedelta(days=1)
"""How much later than it was recorded a fact may say that it occurred: no door takes a day."""

KEEP = """
/* count.keep */ INSERT INTO stock.stock_count
  (recorded_at, actor, id, entity_id, item_id, location_id, counted, position, expected, adjustment, counted_at)
SELECT %s::timestamptz, %s::text, c.*
FROM unnest(%s::uuid[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
  %s::timestamptz[]) AS c
"""
MARK = """
/* count.mark */ UPDATE stock.balance b
SET counted_at = c.counted_at, count_adjustment = c.difference, count_explained = c.explained
FROM unnest(%s::int[], %s::int[], %s::timestamptz[], %s::bigint[], %s::bigint[])
  AS c (item_id, location_id, counted_at, difference, explained)
WHERE b.item_id = c.item_id AND b.location_id = c.location_id
"""


class Count(Struct, frozen=True):
    """Units found of an item at a location when its shelf was counted, at `counted_at`.

    `position` is the id of the last ledger entry of this item and location that the counter's list had seen. Without
    one, what occurred from `counted_at` on is taken to be later than the count.
    """

    entity_id: int
    item_id: int
    location_id: int
    counted: int
    counted_at: datetime
    position: int | None = None


class Counted(Struct, frozen=True):
    """A count as kept: `expected` is what the book had on hand at the position, `adjustment` what was posted for it."""

    id: UUID
    item_id: int
    location_id: int
    expected: int
    adjustment: int


class _Judged(Struct, frozen=True):
    """A count beside the book: `explained` is how facts that it had seen changed the book since.

    `unexplained` is what earlier counts adjusted and no fact has explained so far. It is carried on into `difference`,
    what this count found beyond the book as if those had not adjusted it: a fact told late was missed by the first
    count after it, and each later one saw the shelf without it, too.
    A count older than the last one of its shelf is kept, and changes nothing: the later one saw what it saw.
    """

    id: UUID
    count: Count
    expected: int
    unexplained: int
    difference: int
    explained: int
    is_superseded: bool

    @property
    def adjustment(self) -> int:
        if self.is_superseded:
            return 0
        return self.difference - explained_of(self.balance) - self.unexplained

    @property
    def balance(self) -> Balance:
        """What the balance remembers of this count."""
        return Balance([], self.count.counted_at, self.difference, self.explained)


def count(
    session: Session, counts: Sequence[Count], *, by: Actor, now: datetime, source: str, reason: str | None = None
) -> list[Counted]:
    """Post counted − on hand at the counted position, for each; later entries stand.

    Each (item, location) may occur once. An adjustment is a finding, hence a fact: it may take `available` to 0, and
    the rest becomes `shortage`. Facts that occurred before a count explain its adjustment, whether they were recorded
    before it or are yet to come, and however often it was counted since: in any order the book ends alike.
    """
    wanted: dict[Key, int] = {(one.item_id, one.location_id): one.entity_id for one in counts}
    if len(wanted) != len(counts):
        raise ValueError("an item is counted twice at the same location in one list")
    if not counts:
        return []
    balances = lock_balances(session, wanted)
    later = _later(session, counts)
    judged = [_judge(one, balances[one.item_id, one.location_id], later) for one in counts]
    _keep(session, judged, by, now)
    groups = [_group(one, source, reason) for one in judged if one.adjustment]
    if groups:
        post(session, groups, by=by, now=now)
    else:
        cursor(session).execute(BECOME_APP)
    doubts.tell(session, [_doubt(one) for one in judged if not one.is_superseded and unexplained_of(one.balance)])
    return [Counted(one.id, one.count.item_id, one.count.location_id, one.expected, one.adjustment) for one in judged]


def _later(session: Session, counts: Sequence[Count]) -> dict[Key, tuple[int, int]]:
    """Return, by key, the change of on hand since each count's position, and the part of it that occurred before it."""
    placed = [one for one in counts if one.position is not None]
    timed = [one for one in counts if one.position is None]
    rows: list[TupleRow] = []
    if placed:
        rows += cursor(session).execute(AFTER_POSITION, _columns(placed)).fetchall()
    if timed:
        earliest = min(one.counted_at for one in timed) - FUTURE_MAX
        rows += cursor(session).execute(AFTER_TIME, (*_columns(timed), earliest)).fetchall()
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows}


def _columns(counts: Sequence[Count]) -> tuple[str, ...]:
    return (
        int_array([one.item_id for one in counts]),
        int_array([one.location_id for one in counts]),
        time_array([one.counted_at for one in counts]),
        int_array([one.position for one in counts]),
    )


def _judge(one: Count, balance: Balance, later: dict[Key, tuple[int, int]]) -> _Judged:
    change, seen = later.get((one.item_id, one.location_id), (0, 0))
    expected = on_hand(balance.units) - change
    unexplained = balance.count_adjustment - explained_of(balance)
    superseded = balance.counted_at is not None and one.counted_at < balance.counted_at
    return _Judged(uuid7(), one, expected, unexplained, one.counted - expected + unexplained, seen, superseded)


def _group(judged: _Judged, source: str, reason: str | None) -> Group:
    one, quantity, key = judged.count, abs(judged.adjustment), f"count:{judged.id}"
    if judged.adjustment > 0:
        move = Move("count_adjustment", one.entity_id, one.item_id, quantity, (("found", None),), "available",
                    None, one.location_id)  # fmt: skip
    else:
        move = Move("count_adjustment", one.entity_id, one.item_id, quantity, (("available", None),), "shrink",
                    one.location_id, None)  # fmt: skip
    return Group(key=key, moves=(move,), trigger=key, occurred_at=one.counted_at, source=source, reason=reason)


def _doubt(judged: _Judged) -> doubts.Doubt:
    """Facts from before the count were told before it was entered, and it found no such difference."""
    one, document = judged.count, f"count:{judged.id}"
    return doubts.Doubt(one.entity_id, (one.item_id, one.location_id), one.counted_at, unexplained_of(judged.balance),
                        document, document)  # fmt: skip


def _keep(session: Session, judged: Sequence[_Judged], by: Actor, now: datetime) -> None:
    sql = cursor(session)
    counts = [one.count for one in judged]
    sql.execute(
        KEEP,
        (
            now,
            by.ref,
            text_array([str(one.id) for one in judged]),
            int_array([one.entity_id for one in counts]),
            int_array([one.item_id for one in counts]),
            int_array([one.location_id for one in counts]),
            int_array([one.counted for one in counts]),
            int_array([one.position for one in counts]),
            int_array([one.expected for one in judged]),
            int_array([one.adjustment for one in judged]),
            time_array([one.counted_at for one in counts]),
        ),
    )
    last = [one for one in judged if not one.is_superseded]
    sql.execute(
        MARK,
        (
            int_array([one.count.item_id for one in last]),
            int_array([one.count.location_id for one in last]),
            time_array([one.count.counted_at for one in last]),
            int_array([one.difference for one in last]),
            int_array([one.explained for one in last]),
        ),
    )
