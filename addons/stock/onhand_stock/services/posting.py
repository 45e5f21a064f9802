"""The posting verb: the only code that changes a balance. Lock, decide, write."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import NamedTuple

from onhand.actors import Actor
from onhand.db import Cursor, cursor, int_array, pipeline, text_array, time_array
from onhand.transaction import OutOfDate, after_commit, context
from sqlalchemy.orm import Session

from onhand_stock.decision import Balance, Key, decide
from onhand_stock.kinds import DERIVED_KINDS, Rules, rules_of
from onhand_stock.movements import Accepted, Entry, Group, Refused
from onhand_stock.services import doubts, shortages
from onhand_stock.services.guarding import objections_to
from onhand_stock.states import SHORTAGE, STATES

__all__ = ["BECOME_APP", "BECOME_WRITER", "lock_balances", "post"]

BECOME_WRITER = "/* post.role */ SET LOCAL ROLE onhand_stock"
BECOME_APP = "/* post.unrole */ SET LOCAL ROLE NONE"
INSERT_MISSING = """
/* post.missing */ INSERT INTO stock.balance (item_id, location_id, entity_id)
SELECT k.item_id, k.location_id, k.entity_id
FROM unnest(%s::int[], %s::int[], %s::int[]) AS k (item_id, location_id, entity_id)
WHERE NOT EXISTS (SELECT FROM stock.balance b WHERE b.item_id = k.item_id AND b.location_id = k.location_id)
ORDER BY k.item_id, k.location_id
ON CONFLICT DO NOTHING
"""
LOCK = f"""
/* post.lock */ SELECT b.item_id, b.location_id, {", ".join(f"b.{state}" for state in STATES)},
  b.counted_at, b.count_adjustment, b.count_explained
FROM unnest(%s::int[], %s::int[], %s::int[]) AS k (item_id, location_id, entity_id)
JOIN stock.balance b ON b.item_id = k.item_id AND b.location_id = k.location_id AND b.entity_id = k.entity_id
ORDER BY b.item_id, b.location_id
FOR NO KEY UPDATE OF b
"""
NUMBERS = "/* post.numbers */ SELECT nextval('stock.movement_id_seq') FROM generate_series(1, %s)"
INSERT = """
/* post.movement */ INSERT INTO stock.movement
  (recorded_at, id, entity_id, item_id, from_location_id, to_location_id, quantity, from_after, to_after, floor,
   occurred_at, reverses_at, reverses_id, from_state, to_state, kind, trigger, actor, source, source_event, reason,
   correlation)
SELECT %s::timestamptz, m.*
FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[],
  %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
  %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS m
"""
INSERT_VALUED = INSERT.replace("correlation)", "correlation, value_minor)").replace(
    "%s::text[]) AS m", "%s::text[], %s::bigint[]) AS m"
)
Locked = dict[Key, Balance]
SEEN_MAX = 500_000
seen: set[Key] = set()
"""Balances that this process has found committed. A row is never deleted, so that those need not be made."""


class Locking(NamedTuple):
    """What was sent to lock balances, and whether those missing were made first."""

    rows: Cursor
    is_made: bool


def post(session: Session, groups: Sequence[Group], *, by: Actor, now: datetime) -> list[Accepted | Refused]:
    """Post each group whole or refuse it whole; return one answer per group, in the order given.

    Of several groups that want the last unit, the first in the list gets it; of several callers, the first to lock.
    Facts are never refused: what the book cannot cover is posted against `shortage`, and told as an exception. Intents
    that a guard objects to are refused before anything is locked.
    The number of statements does not depend on the length of the list. Every lock is taken at once, in key order, so
    two callers never deadlock here; a caller takes no lock of its own after this.
    """
    if not groups:
        return []
    rules = rules_of(context(session).addons)
    objections = objections_to(session, groups, rules, now)
    if not objections:
        return _post(session, groups, rules, by=by, now=now)
    admitted = [group for place, group in enumerate(groups) if place not in objections]
    answers = iter(_post(session, admitted, rules, by=by, now=now) if admitted else ())
    return [
        Refused(group.key, (), objections[place]) if place in objections else next(answers)
        for place, group in enumerate(groups)
    ]


def _post(
    session: Session, groups: Sequence[Group], rules: Rules, *, by: Actor, now: datetime
) -> list[Accepted | Refused]:
    wanted = _touched(groups, rules)
    numbers = cursor(session)
    with pipeline(session):
        locked = _lock(session, wanted)
        numbers.execute(NUMBERS, (sum([len(group.moves) for group in groups]),))
    balances = _read(session, locked, wanted)
    before = {key: (balance.units[:], balance.count_explained) for key, balance in balances.items()}
    results = decide(balances, groups, rules.facts)
    entries = [entry for result in results if type(result) is Accepted for entry in result.entries]
    _refuse_illegal(entries, rules)
    _number(session, entries, [row[0] for row in numbers.fetchall()])
    _write(session, entries, before, balances, by=by, now=now)
    return results


def _touched(groups: Sequence[Group], rules: Rules) -> dict[Key, int]:
    """Return the balances that groups touch, with their entity; ValueError for a move of nothing, or of two entities."""
    wanted: dict[Key, int] = {}
    for group in groups:
        for move in group.moves:
            entity_id = move.entity_id
            if move.quantity <= 0 and not (move.quantity == 0 and move.kind in rules.values and group.value_minor):
                raise ValueError(f"a {move.kind!r} of {move.quantity} units moves nothing")
            for location_id in (move.from_location_id, move.to_location_id):
                if location_id is not None and wanted.setdefault((move.item_id, location_id), entity_id) != entity_id:
                    raise ValueError(f"location {location_id} belongs to one entity, and {group.key!r} names another")
    return wanted


def _refuse_illegal(entries: Sequence[Entry], rules: Rules) -> None:
    """Raise on a movement that its kind does not allow: an add-on's mistake, never a user's."""
    for entry in entries:
        kind = entry.kind
        if (kind, entry.from_state, entry.to_state) not in rules.legal and entry.group.reverses is None:
            raise ValueError(f"kind {kind!r} may not move stock from {entry.from_state!r} to {entry.to_state!r}")
        if kind in rules.reasoned and not entry.group.reason:
            raise ValueError(f"kind {kind!r} needs a reason")


def lock_balances(session: Session, wanted: dict[Key, int]) -> Locked:
    """Lock the balances of (item, location) → entity in key order, making rows that are missing; become the writer."""
    with pipeline(session):
        locked = _lock(session, wanted)
    return _read(session, locked, wanted)


def _lock(session: Session, wanted: dict[Key, int]) -> Locking:
    keys = sorted(wanted)
    columns = (
        int_array([key[0] for key in keys]),
        int_array([key[1] for key in keys]),
        int_array([wanted[key] for key in keys]),
    )
    cursor(session).execute(BECOME_WRITER)
    is_made = not seen.issuperset(keys)
    if is_made:
        cursor(session).execute(INSERT_MISSING, columns)
    return Locking(cursor(session).execute(LOCK, columns), is_made)


def _read(session: Session, locked: Locking, wanted: dict[Key, int]) -> Locked:
    end = 2 + len(STATES)
    balances = {(row[0], row[1]): Balance(list(row[2:end]), *row[end:]) for row in locked.rows.fetchall()}
    if len(balances) != len(wanted):
        if not locked.is_made:  # seen in another database; others may have cleared this, and seen anew, meanwhile
            seen.clear()
            raise OutOfDate("a balance that was there is missing")
        raise LookupError("a movement names a location that is not its entity's, or an entity out of scope")
    if locked.is_made:  # what this transaction made may yet be rolled back
        after_commit(session, partial(_remember, wanted))
    return balances


def _remember(keys: Iterable[Key]) -> None:
    if len(seen) > SEEN_MAX:
        seen.clear()
    seen.update(keys)


def _number(session: Session, entries: Sequence[Entry], numbers: list[int]) -> None:
    """Name the entries by numbers drawn under the lock, so that their order is the order of each balance's history."""
    if len(entries) > len(numbers):  # a draw from several states, or a shortage cleared
        more = cursor(session).execute(NUMBERS, (len(entries) - len(numbers),))
        numbers = [*numbers, *(row[0] for row in more.fetchall())]
    for entry, number in zip(entries, numbers, strict=False):
        entry.id = number


def _write(
    session: Session,
    entries: Sequence[Entry],
    before: dict[Key, tuple[list[int], int]],
    after: Locked,
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Write what was decided under the lock: balances, ledger rows, shortages; then let others extend; be the app again."""
    with pipeline(session):
        if entries:
            _update(cursor(session), before, after)
            values = [entry.group.value_minor for entry in entries]
            if any(values):
                cursor(session).execute(INSERT_VALUED, (now, *_columns(entries, by), int_array(values)))
            else:
                cursor(session).execute(INSERT, (now, *_columns(entries, by)))
        if any(SHORTAGE in (entry.from_state, entry.to_state) for entry in entries):
            shortages.keep(session, entries, now=now)
        cursor(session).execute(BECOME_APP)
    if not entries:
        return
    _extend(session, entries, now)
    shortages.tell(session, entries)
    late = [key for key, (_, explained) in before.items() if after[key].count_explained != explained]
    if late:
        doubts.tell_late(session, entries, after, late)


def _update(sql: Cursor, before: dict[Key, tuple[list[int], int]], after: Locked) -> None:
    changed = [
        key
        for key, (units, explained) in before.items()
        if after[key].units != units or after[key].count_explained != explained
    ]
    if not changed:
        return
    was = zip(*[(*before[key][0], before[key][1]) for key in changed], strict=True)
    now_is = zip(*[(*after[key].units, after[key].count_explained) for key in changed], strict=True)
    moved: list[str] = []
    changes: list[str] = []
    for column, old, new in zip((*STATES, "count_explained"), was, now_is, strict=True):
        if old != new:
            moved.append(column)
            changes.append(int_array([there - here for here, there in zip(old, new, strict=True)]))
    keys = int_array([key[0] for key in changed]), int_array([key[1] for key in changed])
    sql.execute(_update_of(tuple(moved)), (*keys, *changes))


@lru_cache(maxsize=256)
def _update_of(columns: tuple[str, ...]) -> str:
    """Return the statement that adds to these columns of balances; a handful of them are ever in use."""
    return f"""
/* post.balance */ UPDATE stock.balance b SET {", ".join(f"{column} = b.{column} + d.{column}" for column in columns)}
FROM unnest(%s::int[], %s::int[]{", %s::bigint[]" * len(columns)}) AS d (item_id, location_id, {", ".join(columns)})
WHERE b.item_id = d.item_id AND b.location_id = d.location_id
"""


def _columns(entries: Sequence[Entry], by: Actor) -> tuple[str, ...]:
    groups = [entry.group for entry in entries]
    reverses = [None if entry.kind in DERIVED_KINDS else entry.group.reverses for entry in entries]
    return (
        int_array([entry.id for entry in entries]),
        int_array([entry.entity_id for entry in entries]),
        int_array([entry.item_id for entry in entries]),
        int_array([entry.from_location_id for entry in entries]),
        int_array([entry.to_location_id for entry in entries]),
        int_array([entry.quantity for entry in entries]),
        int_array([entry.from_after for entry in entries]),
        int_array([entry.to_after for entry in entries]),
        int_array([entry.floor for entry in entries]),
        time_array([group.occurred_at for group in groups]),
        time_array([name and name[0] for name in reverses]),
        int_array([name and name[1] for name in reverses]),
        text_array([entry.from_state for entry in entries]),
        text_array([entry.to_state for entry in entries]),
        text_array([entry.kind for entry in entries]),
        text_array([group.trigger for group in groups]),
        text_array([group.actor or by.ref for group in groups]),
        text_array([group.source for group in groups]),
        text_array([group.source_event for group in groups]),
        text_array([group.reason for group in groups]),
        text_array([group.correlation for group in groups]),
    )


def _extend(session: Session, entries: Sequence[Entry], now: datetime) -> None:
    """Call `movement_posted` once per entity, as the add-ons active there implement it."""
    addons = context(session).addons
    for entity_id in sorted({entry.entity_id for entry in entries}):
        caller = addons.caller("movement_posted", entity_id, now)
        if caller is not None:
            own = [entry for entry in entries if entry.entity_id == entity_id]
            addons.extend(caller, session=session, movements=own, now=now)
