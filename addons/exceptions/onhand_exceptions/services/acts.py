"""One act upon several exceptions: an outcome per row, kept so that it can be undone for a while."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from onhand.ids import uuid7
from onhand.policies.book import Where
from onhand.policies.services import resolve as policy
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from onhand_exceptions.services.snoozing import Snooze, Until, snooze
from onhand_exceptions.services.turns import take_turn
from onhand_exceptions.services.work import (
    Assignment,
    Comment,
    Done,
    Outcome,
    Refused,
    Resolution,
    assign,
    comment,
    resolve,
)

__all__ = ["ROWS_MAX", "UNDO_MINUTES", "VERBS", "Acted", "Undone", "Verb", "Wish", "act", "undo"]

ROWS_MAX = 200
UNDO_MINUTES = "exceptions.undo_minutes"
Verb = Literal["assign", "snooze", "wake", "resolve", "comment"]
VERBS: tuple[Verb, ...] = ("assign", "snooze", "wake", "resolve", "comment")

# All that an act may change. What was so before it comes back as it was.
CHANGED = {
    "owner_user_id": "int", "status": "text", "state": "text", "for_review": "boolean", "resolved_at": "timestamptz",
    "resolution": "text", "resolved_by": "text", "reason": "text", "escalates_at": "timestamptz", "snooze": "text",
    "snooze_until": "timestamptz", "snooze_mark": "bigint", "snooze_severity": "smallint",
}  # fmt: skip
NAMES = ", ".join(CHANGED)
AS_JSON = "jsonb_build_object(" + ", ".join(f"'{name}', e.{name}" for name in CHANGED) + ")"
TYPED = ", ".join(f"{name} {kind}" for name, kind in CHANGED.items())
SNAPSHOT = f"""
/* exceptions.snapshot */ SELECT e.id, e.entity_id, {AS_JSON} FROM exceptions.exception AS e WHERE e.id = ANY(%s)
"""
KEEP = """
/* exceptions.act.keep */ INSERT INTO exceptions.act_row
  (act_id, entity_id, exception_id, ordinal, refusal, before, after)
SELECT %s, %s, r.* FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::jsonb[], %s::jsonb[]) AS r
"""
ACT = """
/* exceptions.act */ INSERT INTO exceptions.act (id, entity_id, verb, actor, actor_name, recorded_at, undo_until)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
KNOWN = """
/* exceptions.act.known */ SELECT entity_id, actor, recorded_at, undo_until, undone_at FROM exceptions.act WHERE id = %s
"""
ROWS = f"""
/* exceptions.act.rows */ SELECT r.exception_id, r.before, {AS_JSON} = r.after,
  EXISTS (SELECT FROM exceptions.exception AS o
    WHERE o.entity_id = e.entity_id AND o.cause_key = e.cause_key AND o.status = 'open' AND o.id <> e.id)
FROM exceptions.act_row AS r JOIN exceptions.exception AS e ON e.id = r.exception_id
WHERE r.act_id = %s AND r.refusal IS NULL ORDER BY r.ordinal
"""
RESTORE = f"""
/* exceptions.restore */ UPDATE exceptions.exception AS e
SET ({NAMES}) = (SELECT {NAMES} FROM jsonb_to_record(back.before) AS was({TYPED}))
FROM unnest(%s::uuid[], %s::jsonb[]) AS back(id, before) WHERE e.id = back.id
"""
TAKEN_BACK = """
/* exceptions.taken_back */ INSERT INTO exceptions.activity
  (exception_id, entity_id, verb, recorded_at, actor, actor_name, undoes)
SELECT exception_id, entity_id, 'undone', %s, %s, %s, id FROM exceptions.activity
WHERE exception_id = ANY(%s) AND recorded_at = %s AND actor = %s ORDER BY id
"""
CLOSE_ACT = "/* exceptions.act.undone */ UPDATE exceptions.act SET undone_at = %s WHERE id = %s"
REFUSE = """
/* exceptions.act.not_undone */ UPDATE exceptions.act_row AS r SET undo_refusal = no.refusal
FROM unnest(%s::uuid[], %s::text[]) AS no(id, refusal) WHERE r.act_id = %s AND r.exception_id = no.id
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be done to each: give it to a person (None: nobody), snooze or wake it, resolve it, or say something."""

    verb: Verb
    owner_id: int | None = None
    until: Until = "worse"
    at: datetime | None = None
    times: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of an act: its id, by which it can be undone, and an outcome per exception in the order asked."""

    id: UUID
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of an undo. `why` it was refused as a whole: `unknown`, `not_yours`, `undone`, `too_late`."""

    outcomes: list[Outcome]
    why: str | None = None
    detail: str = ""


def act(
    session: Session, entity_id: int, ids: Sequence[UUID], wish: Wish, *, by: Actor, now: datetime
) -> Acted:  # fmt: skip
    """Do one thing to each of at most `ROWS_MAX` exceptions of an entity, each on its own; keep it for `undo`.

    What is refused for one stands against none of the others. An exception of another entity is `unknown`.
    """
    wanted = list(dict.fromkeys(ids))[:ROWS_MAX]
    take_turn(session, entity_id)
    before = _snapshot(session, entity_id, wanted)
    here = [id_ for id_ in wanted if id_ in before]
    done = {outcome.exception_id: outcome for outcome in VERB[wish.verb](session, here, wish, by, now)}
    nowhere = {id_: Refused(id_, "unknown", "there is no such exception here") for id_ in wanted if id_ not in before}
    outcomes: list[Outcome] = [done.get(id_) or nowhere[id_] for id_ in wanted]
    after = _snapshot(session, entity_id, here)
    minutes = int(policy(session, UNDO_MINUTES, Where(entity_id=entity_id), at=now))
    act_id = uuid7()
    deed = (act_id, entity_id, wish.verb, by.ref, by.name, now, now + timedelta(minutes=minutes))
    cursor(session).execute(ACT, deed)
    refusals = [outcome.detail if isinstance(outcome, Refused) else None for outcome in outcomes]
    kept = (
        wanted, list(range(len(wanted))), refusals,
        [Jsonb(before[id_]) if id_ in before else None for id_ in wanted],
        [Jsonb(after[id_]) if id_ in after else None for id_ in wanted],
    )  # fmt: skip
    cursor(session).execute(KEEP, (act_id, entity_id, *kept))
    return Acted(act_id, outcomes)


def undo(session: Session, act_id: UUID, *, by: Actor, now: datetime) -> Undone:
    """Take an act back: each exception it changed is as it was before, unless something changed it since.

    Only whoever acted may, once, and until `undo_until`. What was done stays in the trail, and so does its undoing; a
    comment stays too, marked as taken back.
    """
    row = cursor(session).execute(KNOWN, (act_id,)).fetchone()
    if row is None or row[1] != by.ref:
        return Undone([], "unknown", "there is no such act of yours")
    entity_id, _, acted_at, until, _ = row
    take_turn(session, entity_id)
    row = cursor(session).execute(KNOWN, (act_id,)).fetchone()
    if row is None or row[4] is not None:
        return Undone([], "undone", "it was undone already")
    if now > until:
        return Undone([], "too_late", f"it could be undone until {until:%H:%M:%S} UTC")
    outcomes: list[Outcome] = []
    back: dict[UUID, Any] = {}
    for id_, was, is_as_left, came_back in cursor(session).execute(ROWS, (act_id,)).fetchall():
        if not is_as_left:
            outcomes.append(Refused(id_, "changed_since", "something changed it since"))
        elif was["status"] == "open" and came_back:
            outcomes.append(Refused(id_, "came_back", "its cause came back as another episode"))
        else:
            outcomes.append(Done(id_))
            back[id_] = was
    _restore(session, act_id, back, outcomes, now)
    cursor(session).execute(TAKEN_BACK, (now, by.ref, by.name, list(back), acted_at, by.ref))
    for id_ in back:
        subject, told = f"exception:{id_}", {"act": str(act_id)}
        audit.record(session, by, "exceptions.undo", subject, told, None, None, entity_id=entity_id)
    return Undone(outcomes)


def _restore(
    session: Session, act_id: UUID, back: Mapping[UUID, Any], outcomes: Sequence[Outcome], now: datetime
) -> None:  # fmt: skip
    cursor(session).execute(CLOSE_ACT, (now, act_id))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    if refused:
        columns = [one.exception_id for one in refused], [one.detail for one in refused]
        cursor(session).execute(REFUSE, (*columns, act_id))
    if back:
        cursor(session).execute(RESTORE, (list(back), [Jsonb(was) for was in back.values()]))


def _snapshot(session: Session, entity_id: int, ids: Sequence[UUID]) -> dict[UUID, Any]:
    rows = cursor(session).execute(SNAPSHOT, (list(ids),)).fetchall()
    return {id_: told for id_, theirs, told in rows if theirs == entity_id}


def _assign(session: Session, ids: Sequence[UUID], wish: Wish, by: Actor, now: datetime) -> list[Outcome]:
    return assign(session, [Assignment(id_, wish.owner_id) for id_ in ids], by=by, now=now)


def _snooze(session: Session, ids: Sequence[UUID], wish: Wish, by: Actor, now: datetime) -> list[Outcome]:
    return snooze(session, [Snooze(id_, wish.until, wish.at, wish.times) for id_ in ids], by=by, now=now)


def _wake(session: Session, ids: Sequence[UUID], _: Wish, by: Actor, now: datetime) -> list[Outcome]:
    return snooze(session, [Snooze(id_, None) for id_ in ids], by=by, now=now)


def _resolve(session: Session, ids: Sequence[UUID], wish: Wish, by: Actor, now: datetime) -> list[Outcome]:
    return resolve(session, [Resolution(id_, wish.text) for id_ in ids], by=by, now=now)


def _comment(session: Session, ids: Sequence[UUID], wish: Wish, by: Actor, now: datetime) -> list[Outcome]:
    return comment(session, [Comment(id_, wish.text) for id_ in ids], by=by, now=now)


VERB: dict[str, Callable[[Session, Sequence[UUID], Wish, Actor, datetime], list[Outcome]]] = {
    "assign": _assign, "snooze": _snooze, "wake": _wake, "resolve": _resolve, "comment": _comment,
}  # fmt: skip
