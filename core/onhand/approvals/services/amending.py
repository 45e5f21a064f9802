"""Ask for something else in place of what waits, as people put it: another quantity, amount, reason, place or note."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.approvals.kinds import Amendment, ApprovalRequest, NotApplied
from onhand.approvals.models import Approval as Row
from onhand.approvals.services.asking import Revision, moved_on, not_theirs, revise
from onhand.approvals.services.outcomes import Asked, Refused
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import as_kind_sees, kinds_within, locked, request_of, take_turns
from onhand.contributions import ApprovalKind
from onhand.transaction import context

__all__ = ["Amend", "amend"]


@dataclass(frozen=True, slots=True)
class Amend:
    """What is wanted instead of an approval, by whoever asked; `version` is the one that person saw.

    `places` are the locations that who asks may move it to; None: any of the entity.
    """

    id: UUID
    version: int
    amendment: Amendment
    places: Collection[int] | None = ()


def amend(session: Session, wishes: Sequence[Amend], *, by: Actor, now: datetime) -> list[Asked | Refused]:
    """Ask for something else, each for itself and in order: consents given so far are void, and rules are weighed anew.

    The approval's kind says what is asked for then. Of one that is refused nothing is written.
    """
    person = person_of(session, by)
    requester = by.ref if person is None else f"user:{person}"
    ids = [wish.id for wish in wishes]
    take_turns(session, (f"{requester}:{kind}" for kind in session.scalars(select(Row.kind).where(Row.id.in_(ids)))))
    return [_amended(session, wish, requester, by, now) for wish in wishes]


def _amended(session: Session, wish: Amend, requester: str, by: Actor, now: datetime) -> Asked | Refused:
    row = locked(session, [wish.id]).get(wish.id)
    refused = not_theirs(row, wish.id, requester)
    if refused is not None or row is None:
        return refused or Refused("unknown", "there is no such approval here", wish.id)
    if (moved := moved_on(row, wish.version)) is not None:
        return moved
    if wish.amendment.location is not None and not _may_move(session, row, wish):
        detail = f"there is no location {wish.amendment.location} that you may ask for it at: name another"
        return Refused("invalid", detail, row.id, row.version)
    kind = kinds_within(session, row.entity_id, now).get(row.kind)
    with session.begin_nested() as attempt:
        found = _asked_now(session, row, kind, wish.amendment, now)
        answer: Asked | Refused
        if isinstance(found, NotApplied):
            answer = Refused("invalid", found.detail, row.id, row.version)
        else:
            [answer] = revise(session, [Revision(row.id, row.version, found)], by=by, now=now)
        if isinstance(answer, Refused):
            attempt.rollback()
    return answer


def _may_move(session: Session, row: Row, wish: Amend) -> bool:
    """Say whether the location that is named lies in the entity and in reach; looked at before anything there is."""
    scope = context(session).addons.policy_scopes.get("location")
    found = [] if scope is None else scope.by_code(session, [wish.amendment.location or ""]).values()
    return any(part.entity_id == row.entity_id and (wish.places is None or part.id in wish.places) for part in found)


def _asked_now(
    session: Session, row: Row, kind: ApprovalKind | None, wanted: Amendment, now: datetime
) -> ApprovalRequest | NotApplied:
    """Return the request as it would be: where nothing but the note changes, it is what was asked."""
    if not wanted.is_more_than_a_note:
        if wanted.note is None:
            return NotApplied("say what is wanted instead: a quantity, an amount, a reason, a location or a note")
        return replace(request_of(row), note=wanted.note or None)
    if kind is None or kind.revise is None:
        return NotApplied("of this kind of change only the note can be changed: withdraw it, and ask anew")
    [found] = kind.revise(session, [(as_kind_sees(row, ()), wanted)], now=now)
    return found
