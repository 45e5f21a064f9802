"""What people do about an exception: take it or give it to someone, say something, resolve it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_exceptions.services import sql
from onhand_exceptions.services.owners import able
from onhand_exceptions.services.telling import Told, tell
from onhand_exceptions.services.turns import take_turn

__all__ = [
    "Assignment", "Comment", "Done", "Outcome", "Refused", "Resolution", "State", "assign", "audit_act", "comment", "in_turn",
    "looked_at", "not_open", "resolve",
]  # fmt: skip

NOTE_CHARACTERS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Assignment:
    """Whose an exception shall be; None is nobody's."""

    exception_id: UUID
    user_id: int | None


@dataclass(frozen=True, slots=True)
class Comment:
    """Something a person says about an exception."""

    exception_id: UUID
    note: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """Why a person holds an exception to be dealt with."""

    exception_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """The exception is as asked for, by this act or already before it."""

    exception_id: UUID


@dataclass(frozen=True, slots=True)
class Refused:
    """What stands against it. `why`: `unknown`, `already_resolved`, `cannot_own`, `reason_missing`, and the like."""

    exception_id: UUID
    why: str
    detail: str


Outcome = Done | Refused
_Side = dict[str, Any]

ENTITIES = """
/* exceptions.entities */ SELECT DISTINCT entity_id FROM exceptions.exception WHERE id = ANY(%s) ORDER BY entity_id
"""
STATE = """
/* exceptions.state */ SELECT id, entity_id, location_id, status, owner_user_id FROM exceptions.exception
WHERE id = ANY(%s)
"""
RESOLVE = """
/* exceptions.resolve */ UPDATE exceptions.exception AS e
SET status = 'resolved', resolved_at = %s, resolution = 'person', resolved_by = %s, reason = given.reason,
  state = 'resolved', for_review = false, escalates_at = NULL,
  snooze = NULL, snooze_until = NULL, snooze_mark = NULL, snooze_severity = NULL
FROM unnest(%s::uuid[], %s::text[]) AS given(id, reason) WHERE e.id = given.id AND e.status = 'open'
"""
# Whoever acts on it has looked at it: it waits for nobody's look any more, and is not new.
LOOKED_AT = """
/* exceptions.looked_at */ UPDATE exceptions.exception
SET for_review = false, state = CASE WHEN state IN ('new', 'regressed') THEN 'ongoing' ELSE state END
WHERE id = ANY(%s) AND status = 'open' AND (for_review OR state IN ('new', 'regressed'))
"""


@dataclass(frozen=True, slots=True)
class State:
    """An exception as an act finds it, under the turn."""

    id: UUID
    entity_id: int
    location_id: int | None
    status: str
    owner_user_id: int | None


def assign(session: Session, assignments: Sequence[Assignment], *, by: Actor, now: datetime) -> list[Outcome]:
    """Give each exception to a person, or take it from everyone; answer in the order asked.

    Refused when it is resolved, and when the person may not work on exceptions of that entity and location. Giving it
    to whom it already belongs changes nothing.
    """
    states = in_turn(session, [wish.exception_id for wish in assignments])
    allowed = able(session, {wish.user_id for wish in assignments if wish.user_id is not None})
    answers: list[Outcome] = []
    changed: dict[UUID, int | None] = {}
    for wish in assignments:
        state = states.get(wish.exception_id)
        refusal = not_open(wish.exception_id, state) or _cannot_own(wish, state, allowed)
        answers.append(refusal or Done(wish.exception_id))
        if not refusal and state and changed.get(state.id, state.owner_user_id) != wish.user_id:
            changed[state.id] = wish.user_id
    looked_at(session, [answer.exception_id for answer in answers if isinstance(answer, Done)])
    if changed:
        cursor(session).execute(sql.ASSIGN, (list(changed), list(changed.values())))
        told: list[Told] = [
            (id_, states[id_].entity_id, "assigned" if owner else "unassigned", owner, None)
            for id_, owner in changed.items()
        ]
        tell(session, told, by=by, now=now)
        for id_, owner in changed.items():
            before: _Side = {"owner_user_id": states[id_].owner_user_id}
            audit_act(session, states[id_], "assign", by=by, before=before, after={"owner_user_id": owner})
    return answers


def comment(session: Session, comments: Sequence[Comment], *, by: Actor, now: datetime) -> list[Outcome]:
    """Add what a person says to each exception, open or resolved; answer in the order asked. Twice says it twice."""
    states = in_turn(session, [one.exception_id for one in comments])
    answers: list[Outcome] = []
    told: list[Told] = []
    for one in comments:
        state = states.get(one.exception_id)
        refusal = (None if state else _unknown(one.exception_id)) or _bad_text(one.exception_id, one.note)
        answers.append(refusal or Done(one.exception_id))
        if not refusal and state:
            told.append((state.id, state.entity_id, "commented", None, one.note.strip()))
    tell(session, told, by=by, now=now)
    looked_at(session, [id_ for id_, *_ in told])
    return answers


def resolve(session: Session, resolutions: Sequence[Resolution], *, by: Actor, now: datetime) -> list[Outcome]:
    """Close each exception for a reason; answer in the order asked.

    It stays closed until fresh evidence arrives, even while the cause holds. Refused without a reason, and when it is
    resolved already: of two people racing, one is told that the other was first.
    """
    states = in_turn(session, [one.exception_id for one in resolutions])
    answers: list[Outcome] = []
    done: dict[UUID, str] = {}
    for one in resolutions:
        refusal = not_open(one.exception_id, states.get(one.exception_id)) or _bad_text(one.exception_id, one.reason)
        answers.append(refusal or Done(one.exception_id))
        if not refusal:
            done.setdefault(one.exception_id, one.reason.strip())
    if done:
        cursor(session).execute(RESOLVE, (now, by.ref, list(done), list(done.values())))
        told = [(id_, states[id_].entity_id, "resolved", None, reason) for id_, reason in done.items()]
        tell(session, told, by=by, now=now)
        for id_, reason in done.items():
            before, after = {"status": "open"}, {"status": "resolved"}
            audit_act(session, states[id_], "resolve", by=by, before=before, after=after, reason=reason)
    return answers


def in_turn(session: Session, ids: Collection[UUID]) -> dict[UUID, State]:
    """Take the turn, then read what became of exceptions meanwhile."""
    for (entity_id,) in cursor(session).execute(ENTITIES, (list(ids),)).fetchall():
        take_turn(session, entity_id)
    return {row[0]: State(*row) for row in cursor(session).execute(STATE, (list(ids),))}


def looked_at(session: Session, ids: Sequence[UUID]) -> None:
    """Note that somebody has looked at exceptions: they wait for review no more."""
    if ids:
        cursor(session).execute(LOOKED_AT, (list(ids),))


def _unknown(exception_id: UUID) -> Refused:
    return Refused(exception_id, "unknown", "there is no such exception")


def not_open(exception_id: UUID, state: State | None) -> Refused | None:
    """Return the refusal of an exception that is not there, or resolved."""
    if state is None:
        return _unknown(exception_id)
    if state.status == "resolved":
        return Refused(exception_id, "already_resolved", "it is resolved already")
    return None


def _cannot_own(
    wish: Assignment, state: State | None, allowed: set[tuple[int, int | None, int | None]]
) -> Refused | None:
    if state is None or wish.user_id is None:
        return None
    places = [(None, None), (state.entity_id, None), (state.entity_id, state.location_id)]
    if any((wish.user_id, *place) in allowed for place in places):
        return None
    return Refused(wish.exception_id, "cannot_own", "this person may not work on exceptions here")


def _bad_text(exception_id: UUID, text: str) -> Refused | None:
    if not text.strip():
        return Refused(exception_id, "reason_missing", "say why, in a few words")
    if len(text) > NOTE_CHARACTERS_MAX:
        return Refused(exception_id, "note_too_long", f"at most {NOTE_CHARACTERS_MAX} characters")
    return None


def audit_act(
    session: Session, state: State, verb: str, *, by: Actor, before: _Side, after: _Side, reason: str | None = None
) -> None:
    """Keep an act in the audit trail."""
    subject = f"exception:{state.id}"
    audit.record(session, by, f"exceptions.{verb}", subject, before, after, reason, entity_id=state.entity_id)
