"""Carry out what was agreed: look under the lock whether the numbers are still those that were seen, then post."""

from collections.abc import Sequence
from datetime import datetime

from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_stock.models import Adjustment
from onhand_stock.movements import Group, Move, Refused
from onhand_stock.services.counts import Count, count
from onhand_stock.services.posting import BECOME_APP, lock_balances, post
from onhand_stock.states import INDEX, PROMISED

__all__ = ["carry_out", "excess_of", "fault_of", "stale"]


def stale(row: Adjustment, units: int) -> str:
    """Say that a state has not the units that the requester saw."""
    state = row.state.replace("_", " ")
    return f"{row.seen} {state} were seen, and it is {units} now: look again and ask for what is true now"


def fault_of(row: Adjustment, units: Sequence[int]) -> tuple[str, str] | None:
    """Return (why, detail) of what keeps a row from being posted on these balances; None when nothing does."""
    here = units[INDEX[row.state]]
    return excess_of(row, units) if here == row.seen else ("stale", stale(row, here))


def excess_of(row: Adjustment, units: Sequence[int]) -> tuple[str, str] | None:
    """Return (why, detail) where more is missing than can be; None when it can.

    What left the shelf may be more than is available: promised units stand there too, and are short then.
    """
    here = units[INDEX[row.state]]
    most = here + (sum(units[INDEX[state]] for state in PROMISED) if row.state == "available" else 0)
    if -row.delta > most:
        return "too_many", f"{-row.delta} cannot be missing where {most} are: count again, or ask for {most}"
    if row.kind == "markdown" and not here:
        return "too_many", "there is nothing to mark down"
    return None


def carry_out(
    session: Session, rows: Sequence[Adjustment], *, by: Actor, now: datetime
) -> list[tuple[str, str] | None]:
    """Post rows, each whole or not at all; return why it could not be, in their order.

    Locks every balance at once, in the posting verb's order. A second row about the same state of the same shelf finds
    what the first has done.
    """
    locked = lock_balances(session, {(row.item_id, row.location_id): row.entity_id for row in rows})
    cursor(session).execute(BECOME_APP)
    faults: list[tuple[str, str] | None] = []
    postable: list[Adjustment] = []
    for row in rows:
        units = locked[row.item_id, row.location_id].units
        fault = None if row.position is not None else fault_of(row, units)
        faults.append(fault)
        if fault is None:
            postable.append(row)
            units[INDEX[row.state]] = max(units[INDEX[row.state]] + row.delta, 0)
    _count([row for row in postable if row.position is not None], session, by=by, now=now)
    answers = post(session, [_group(row) for row in postable if row.position is None], by=by, now=now)
    objected = {one.key: one.objection for one in answers if isinstance(one, Refused) and one.objection}
    for place, row in enumerate(rows):
        if faults[place] is None:
            faults[place] = objected.get(_name(row))
        if faults[place] is None:
            row.status, row.posted_at = "posted", now
    return faults


def _count(rows: Sequence[Adjustment], session: Session, *, by: Actor, now: datetime) -> None:
    for row in rows:  # one by one: of two recounts of a shelf each has its own reason
        assert row.counted is not None  # noqa: S101 - a position is kept with a count only
        counted_at = row.recounted_at or now
        one = Count(row.entity_id, row.item_id, row.location_id, row.counted, counted_at, row.position)
        [found] = count(session, [one], by=by, now=now, source=row.source, reason=row.reason)
        row.count_id = found.id


def _name(row: Adjustment) -> str:
    return f"adjustment:{row.id}"


def _group(row: Adjustment) -> Group:
    here, name = row.location_id, _name(row)
    if row.kind == "markdown":
        move = Move("markdown", row.entity_id, row.item_id, 0, ((row.state, None),), row.state, here, here)
    elif row.delta > 0:
        move = Move(row.kind, row.entity_id, row.item_id, row.delta, (("found", None),), row.state, None, here)
    else:
        away = "scrap" if row.kind == "write_off" else "shrink"
        move = Move(row.kind, row.entity_id, row.item_id, -row.delta, ((row.state, None),), away, here, None)
    return Group(
        key=name,
        moves=(move,),
        trigger=name,
        occurred_at=row.occurred_at,
        source=row.source,
        reason=row.reason,
        correlation=f"approval:{row.approval_id}" if row.approval_id else None,
        actor=row.actor,
        value_minor=row.value_minor if row.kind == "markdown" else None,
    )
