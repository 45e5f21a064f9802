"""Confirm, release and fulfil: what becomes of a hold. Holds are locked first, in the order of their ids."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import Cursor, cursor, int_array, text_array
from onhand_stock.api import Group, Move, post
from sqlalchemy.orm import Session

from onhand_reservations.values import Change, Changed, HeldLine, Hold, NotAllowed, Within

__all__ = [
    "LockedHold",
    "LockedLine",
    "confirm",
    "fulfil",
    "lock",
    "mark_fulfilled",
    "mark_lapsed",
    "mark_released",
    "release",
    "release_group",
    "settle",
]

LOCK = """
/* hold.lock */ SELECT h.id, h.entity_id, h.channel_id, h.reference, h.status, h.expires_at, c.code, h.replaces
FROM unnest(%s::uuid[]) AS k (id) JOIN reservations.hold h ON h.id = k.id JOIN channels.channel c ON c.id = h.channel_id
ORDER BY h.id FOR NO KEY UPDATE OF h
"""
LINES = """
/* hold.read_lines */ SELECT l.hold_id, l.line, l.item_id, l.location_id, l.quantity, l.fulfilled, l.released, l.lapsed, i.sku, p.code
FROM unnest(%s::uuid[]) AS k (id) JOIN reservations.hold_line l ON l.hold_id = k.id
JOIN master_data.item i ON i.id = l.item_id JOIN master_data.location p ON p.id = l.location_id
ORDER BY l.hold_id, l.line
"""
CONFIRM = """
/* hold.confirm */ UPDATE reservations.hold h SET status = 'confirmed', confirmed_at = %s, confirmed_by = c.actor
FROM unnest(%s::uuid[], %s::text[]) AS c (id, actor) WHERE h.id = c.id
"""
RELEASE_LINES = """
/* hold.release_lines */ UPDATE reservations.hold_line l SET released = l.released + r.quantity
FROM unnest(%s::uuid[], %s::int[], %s::bigint[]) AS r (hold_id, line, quantity)
WHERE l.hold_id = r.hold_id AND l.line = r.line
"""
LAPSE_LINES = RELEASE_LINES.replace("hold.release_lines", "hold.lapse_lines").replace(
    "SET ", "SET lapsed = l.lapsed + r.quantity, "
)
FULFIL_LINES = RELEASE_LINES.replace("hold.release_lines", "hold.fulfil_lines").replace("released", "fulfilled")
SETTLE = """
/* hold.settle */ UPDATE reservations.hold h
SET status = s.status, settled_at = %s, release_event = coalesce(s.event, h.release_event)
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS s (id, status, event) WHERE h.id = s.id
"""
CANCEL = "cancel"
OPEN_STATUSES = ("held", "confirmed")
RESERVED = (("reserved", None),)


class LockedLine(Struct):
    """A line of a locked hold; `open` is what it still promises, `lapsed` what time alone let go of `released`."""

    line: int
    item_id: int
    location_id: int
    quantity: int
    fulfilled: int
    released: int
    lapsed: int
    sku: str
    location: str

    @property
    def open(self) -> int:
        """Units whose promise has not ended."""
        return self.quantity - self.fulfilled - self.released


class LockedHold(Struct):
    """A hold under its lock."""

    id: UUID
    entity_id: int
    channel_id: int
    reference: str
    status: str
    expires_at: datetime
    channel: str
    replaces: UUID | None
    lines: list[LockedLine]

    def view(self) -> Hold:
        """Return the hold as callers see it."""
        lines = tuple(
            HeldLine(one.line, one.sku, one.location, one.quantity, one.fulfilled, one.released) for one in self.lines
        )
        return Hold(self.id, self.status, self.expires_at, lines, self.reference, self.channel, self.replaces)

    def may_be_touched(self, within: Within | None) -> bool:
        """Tell whether an asker may touch this hold; for one who may not it does not exist."""
        return within is None or within.admits(self.channel, [line.location_id for line in self.lines])


Part = list[tuple[LockedLine, int]]


def lock(session: Session, hold_ids: Sequence[UUID]) -> dict[UUID, LockedHold]:
    """Lock holds in the order of their ids and return those that exist in scope, with their lines."""
    ids = text_array(sorted({str(hold_id) for hold_id in hold_ids}))
    rows = cursor(session).execute(LOCK, (ids,)).fetchall()
    holds = {
        row[0]: LockedHold(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], lines=[]) for row in rows
    }
    for row in cursor(session).execute(LINES, (ids,)).fetchall():
        if row[0] in holds:
            holds[row[0]].lines.append(LockedLine(*row[1:]))
    return holds


def confirm(session: Session, changes: Sequence[Change], *, by: Actor, now: datetime) -> list[Changed]:
    """Make holds firm: they no longer expire. Refused when expired, by the database's clock, or settled.

    Confirming what is confirmed changes nothing and succeeds.
    """
    holds = lock(session, [change.hold_id for change in changes])
    answers: list[Changed] = []
    firm: dict[UUID, str] = {}
    for change in changes:
        found = _decide(holds.get(change.hold_id), change, now, allowed=OPEN_STATUSES)
        if isinstance(found, NotAllowed):
            answers.append(found)
            continue
        hold, _ = found
        if hold.status == "held":
            hold.status = "confirmed"
            firm[hold.id] = change.actor or by.ref
        answers.append(hold.view())
    if firm:
        cursor(session).execute(CONFIRM, (now, _ids(firm), text_array(firm.values())))
    return answers


def release(session: Session, changes: Sequence[Change], *, by: Actor, now: datetime) -> list[Changed]:
    """Let promises go: units return to `available`. Whole holds, or some units of some lines.

    `event` names why (cancel, payment_failed, …) and stays on the record. Refused when settled; releasing more than is
    open is refused with the numbers.
    """

    def group(hold: LockedHold, part: Part, change: Change) -> Group:
        return release_group(hold, part, now, reason=change.event or CANCEL, actor=change.actor)

    def book(part: Part) -> None:
        for line, quantity in part:
            line.released += quantity

    return _change(session, changes, group, book, by=by, now=now, allowed=OPEN_STATUSES, ends_as="released")


def fulfil(session: Session, changes: Sequence[Change], *, by: Actor, now: datetime) -> list[Changed]:
    """Hand over promised units: they leave stock for the customer. Whole holds, or some units of some lines.

    Only confirmed holds are fulfilled. Handing over more than is open is refused with the numbers.
    """

    def group(hold: LockedHold, part: Part, change: Change) -> Group:
        moves = tuple(
            Move("ship", hold.entity_id, line.item_id, quantity, RESERVED, "customer", line.location_id)
            for line, quantity in part
        )  # fmt: skip
        return _group(hold, moves, now, reason=None, actor=change.actor)

    def book(part: Part) -> None:
        for line, quantity in part:
            line.fulfilled += quantity

    return _change(session, changes, group, book, by=by, now=now, allowed=("confirmed",), ends_as="fulfilled")


def _change(
    session: Session,
    changes: Sequence[Change],
    group: Callable[[LockedHold, Part, Change], Group],
    book: Callable[[Part], None],
    *,
    by: Actor,
    now: datetime,
    allowed: Sequence[str],
    ends_as: str,
) -> list[Changed]:
    """Lock, decide each change in the order given, post once, write once. Of two changes of one hold the first wins."""
    holds = lock(session, [change.hold_id for change in changes])
    answers: list[Changed] = []
    groups: list[Group] = []
    booked: list[tuple[UUID, int, int]] = []
    settled: dict[UUID, tuple[str, str | None]] = {}
    for change in changes:
        found = _decide(holds.get(change.hold_id), change, now, allowed)
        if isinstance(found, NotAllowed):
            answers.append(found)
            continue
        hold, part = found
        groups.append(group(hold, part, change))
        book(part)
        booked += [(hold.id, line.line, quantity) for line, quantity in part]
        if not any(line.open for line in hold.lines):
            hold.status = "fulfilled" if any(line.fulfilled for line in hold.lines) else "released"
            settled[hold.id] = (hold.status, change.event or CANCEL if ends_as == "released" else None)
        answers.append(hold.view())
    post(session, groups, by=by, now=now)
    sql = cursor(session)
    if booked:
        (mark_released if ends_as == "released" else mark_fulfilled)(sql, booked)
    settle(sql, settled, now)
    return answers


def release_group(
    hold: LockedHold, part: Part, now: datetime, *, reason: str, actor: str | None = None
) -> Group:  # fmt: skip
    """Return the movements that give promised units back."""
    moves = tuple(
        Move("release", hold.entity_id, line.item_id, quantity, (("reserved", None),), "available", line.location_id,
             line.location_id)
        for line, quantity in part
    )  # fmt: skip
    return _group(hold, moves, now, reason=reason, actor=actor)


def _group(hold: LockedHold, moves: tuple[Move, ...], now: datetime, *, reason: str | None, actor: str | None) -> Group:
    return Group(f"hold:{hold.id}", moves, f"hold:{hold.id}", now, hold.channel, reason=reason,
                 correlation=hold.reference, actor=actor)  # fmt: skip


def _decide(
    hold: LockedHold | None, change: Change, now: datetime, allowed: Sequence[str]
) -> tuple[LockedHold, Part] | NotAllowed:
    """Return the hold with the units that a change is about, or why it cannot be."""
    if hold is None or not hold.may_be_touched(change.within):
        return NotAllowed("not_found", f"there is no hold {change.hold_id}")
    if hold.status == "expired" or (hold.status == "held" and hold.expires_at <= now):
        return NotAllowed("expired", f"the hold ran out at {hold.expires_at.isoformat()}; hold again", "expired")
    if hold.status not in allowed:
        wanted = " or ".join(allowed)
        reason = "not_confirmed" if hold.status == "held" else "settled"
        return NotAllowed(reason, f"the hold is {hold.status}; this takes one that is {wanted}", hold.status)
    part = _part(hold, change)
    return part if isinstance(part, NotAllowed) else (hold, part)


def _part(hold: LockedHold, change: Change) -> Part | NotAllowed:
    """Return the units that a change is about, or why they cannot be had."""
    if change.lines is None:
        return [(line, line.open) for line in hold.lines if line.open]
    by_number = {line.line: line for line in hold.lines}
    wanted: dict[int, int] = {}
    for asked in change.lines:
        wanted[asked.line] = wanted.get(asked.line, 0) + asked.quantity
    part: Part = []
    for number, quantity in wanted.items():
        line = by_number.get(number)
        if line is None:
            return NotAllowed("not_found", f"the hold has no line {number}", hold.status)
        if quantity > line.open:
            return NotAllowed("too_many", f"line {number} has {line.open} open units, not {quantity}", hold.status)
        part.append((line, quantity))
    return part


def mark_released(sql: Cursor, parts: Sequence[tuple[UUID, int, int]]) -> None:
    """Add released units to lines (hold, line, quantity); each line may occur several times."""
    _mark(sql, RELEASE_LINES, parts)


def mark_lapsed(sql: Cursor, parts: Sequence[tuple[UUID, int, int]]) -> None:
    """Add units released by time alone to lines (hold, line, quantity); each line may occur several times."""
    _mark(sql, LAPSE_LINES, parts)


def mark_fulfilled(sql: Cursor, parts: Sequence[tuple[UUID, int, int]]) -> None:
    """Add fulfilled units to lines (hold, line, quantity); each line may occur several times."""
    _mark(sql, FULFIL_LINES, parts)


def _mark(sql: Cursor, statement: str, parts: Sequence[tuple[UUID, int, int]]) -> None:
    sums: dict[tuple[UUID, int], int] = {}
    for hold_id, line, quantity in parts:
        sums[hold_id, line] = sums.get((hold_id, line), 0) + quantity
    sql.execute(
        statement,
        (
            text_array([str(key[0]) for key in sums]),
            int_array([key[1] for key in sums]),
            int_array(sums.values()),
        ),
    )


def settle(sql: Cursor, settled: dict[UUID, tuple[str, str | None]], now: datetime) -> None:
    """Close holds: id → (final status, the event that released it)."""
    if settled:
        sql.execute(
            SETTLE,
            (
                now,
                _ids(settled),
                text_array([status for status, _ in settled.values()]),
                text_array([event for _, event in settled.values()]),
            ),
        )


def _ids(ids: Iterable[UUID]) -> str:
    return text_array([str(hold_id) for hold_id in ids])
