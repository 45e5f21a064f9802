"""Snooze: out of sight until a date, until it is worse, or until it was seen so many times more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

from onhand_exceptions.services.telling import Told, tell
from onhand_exceptions.services.work import (
    Done,
    Outcome,
    Refused,
    State,
    audit_act,
    in_turn,
    looked_at,
    not_open,
)

__all__ = ["SNOOZE_DAYS_MAX", "SNOOZE_TIMES_MAX", "Snooze", "Until", "snooze"]

SNOOZE_DAYS_MAX = 90
SNOOZE_TIMES_MAX = 10_000
SNOOZE = """
/* exceptions.snooze */ UPDATE exceptions.exception AS e
SET snooze = given.until, snooze_until = given.at,
  snooze_mark = CASE given.until WHEN 'worse' THEN abs(e.quantity) WHEN 'count' THEN e.count + given.times END,
  snooze_severity = CASE given.until WHEN 'worse' THEN e.severity END, for_review = false
FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::int[]) AS given(id, until, at, times)
WHERE e.id = given.id AND e.status = 'open'
"""
Until = Literal["date", "worse", "count"]


@dataclass(frozen=True, slots=True)
class Snooze:
    """Until when an exception shall rest: a date (`at`), until it is worse, or seen `times` more. None wakes it."""

    exception_id: UUID
    until: Until | None
    at: datetime | None = None
    times: int | None = None


def snooze(session: Session, snoozes: Sequence[Snooze], *, by: Actor, now: datetime) -> list[Outcome]:
    """Put each exception to rest, or wake it; answer in the order asked.

    Worse means more units, or a severer kind, than now. While it rests it neither escalates nor waits for review; it
    closes by itself as ever. Refused when it is resolved, for a date that is not ahead or too far, and for a count
    below 1.
    """
    states = in_turn(session, [one.exception_id for one in snoozes])
    answers: list[Outcome] = []
    done: dict[UUID, Snooze] = {}
    for one in snoozes:
        refusal = not_open(one.exception_id, states.get(one.exception_id)) or _refusal(one, now)
        answers.append(refusal or Done(one.exception_id))
        if not refusal:
            done[one.exception_id] = one
    if done:
        looked_at(session, list(done))
        columns = ([one.until for one in done.values()], [one.at for one in done.values()],
                   [one.times for one in done.values()])  # fmt: skip
        cursor(session).execute(SNOOZE, (list(done), *columns))
        _tell(session, states, done, by, now)
    return answers


def _refusal(wish: Snooze, now: datetime) -> Refused | None:
    if wish.until == "date":
        if wish.at is None or wish.at <= now:
            return Refused(wish.exception_id, "date_not_ahead", "the date must lie ahead")
        if wish.at > now + timedelta(days=SNOOZE_DAYS_MAX):
            return Refused(wish.exception_id, "date_too_far", f"at most {SNOOZE_DAYS_MAX} days from now")
    if wish.until == "count" and not (wish.times and 1 <= wish.times <= SNOOZE_TIMES_MAX):
        return Refused(wish.exception_id, "count_out_of_range", f"from 1 to {SNOOZE_TIMES_MAX:,} times more")
    return None


def _tell(session: Session, states: dict[UUID, State], done: dict[UUID, Snooze], by: Actor, now: datetime) -> None:
    told: list[Told] = [
        (id_, states[id_].entity_id, "snoozed" if one.until else "woken", None, _said(one)) for id_, one in done.items()
    ]
    tell(session, told, by=by, now=now)
    for id_, one in done.items():
        audit_act(session, states[id_], "snooze", by=by, before={}, after={"snooze": one.until and _said(one)})


def _said(wish: Snooze) -> str | None:
    match wish:
        case Snooze(until="date", at=datetime() as at):
            return f"until {at:%Y-%m-%d %H:%M} UTC"
        case Snooze(until="worse"):
            return "until it is worse"
        case Snooze(until="count"):
            return f"until it was seen {wish.times} more times"
    return None
