"""Follow up what waits: remind, and pass on what nobody is left to decide or nobody decides."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.actors import Actor
from onhand.approvals.models import Approval as Row
from onhand.approvals.models import ApprovalActivity
from onhand.approvals.services.people import Authority, holders
from onhand.approvals.services.rows import approvers_of, due_after, kinds_of, tell
from onhand.contributions import ApprovalKind
from onhand.db import cursor
from onhand.notices.api import NewNotice, notify
from onhand.policies.book import Where
from onhand.policies.services import resolve

__all__ = ["follow_up"]

BY = Actor.system("approvals")
REMINDERS_MAX = "approvals.reminders"
ESCALATION_ROLE = "approvals.escalation_role"
# Whose turn it is, and nobody active holds that role there but who asked: due at once, the first time it is seen.
UNSERVED = """
/* approvals.unserved */ UPDATE onhand.approval AS waiting SET due_at = %(now)s
WHERE waiting.status = 'pending' AND waiting.due_at > %(now)s AND waiting.reminded = 0 AND NOT EXISTS (
  SELECT FROM onhand.user_role AS held
  JOIN onhand.role ON role.id = held.role_id AND role.code = waiting.waiting_role
  JOIN onhand."user" AS person ON person.id = held.user_id AND person.active
  WHERE (held.entity_id IS NULL OR held.entity_id = waiting.entity_id)
    AND (held.location_id IS NULL OR held.location_id = waiting.location_id)
    AND person.id IS DISTINCT FROM waiting.requester_user_id)
"""


def follow_up(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Remind those who have to decide what is due, or pass it on; return how many were looked at.

    It is passed on when nobody is left who could decide it (who left, who asked, who agreed already), or when as many
    reminders as the policy allows had no effect: to the role of a later tier, else to the policy's role, the first that
    somebody able holds. The approval says so, and so do notices to those it now waits for and to who asked. As many
    people must agree as before. Twice is harmless: what was followed up is not due.
    """
    cursor(session).execute(UNSERVED, {"now": now})
    query = select(Row).where(Row.status == "pending", Row.due_at <= now).order_by(Row.due_at, Row.id).limit(limit)
    query = query.with_for_update(skip_locked=True, key_share=True).execution_options(populate_existing=True)
    rows = list(session.scalars(query))
    if not rows:
        return 0
    kinds, consents = kinds_of(session), approvers_of(session, rows)
    chains = {row.id: _chain(session, row, now) for row in rows}
    people = holders(session, {role for chain in chains.values() for role in chain})
    told: list[tuple[Row, str, dict[str, Any]]] = []
    notices: list[NewNotice] = []
    for row in rows:
        able = {role: _able(row, role, people, kinds, consents) for role in chains[row.id]}
        _follow(session, row, chains[row.id], able, told, notices, now=now)
    tell(session, told, by=BY, person=None, now=now)
    for row, verb, more in told:
        if verb == "escalated":
            facts = {"step": row.step, "role": row.waiting_role}
            audit.record(
                session, BY, "approval.escalate", f"approval:{row.id}", None, facts, more["note"], row.entity_id
            )
    notify(session, notices, now=now)
    return len(rows)


def _follow(
    session: Session,
    row: Row,
    chain: Sequence[str],
    able: Mapping[str, set[int]],
    told: list[tuple[Row, str, dict[str, Any]]],
    notices: list[NewNotice],
    *,
    now: datetime,
) -> None:
    waiting = chain[0]
    where = Where(location_id=row.location_id, entity_id=row.entity_id)
    is_late = row.reminded >= int(resolve(session, REMINDERS_MAX, where, at=now))
    above = next((role for role in chain[1:] if able[role]), None)
    if above is not None and (is_late or not able[waiting]):
        why = f"nobody is left as {_said(waiting)}" if not able[waiting] else f"{_said(waiting)} did not decide"
        row.steps = [
            {"passed_on_by": step["role"], **step, "role": above} if position == row.step else step
            for position, step in enumerate(row.steps)
        ]
        row.waiting_role, row.reminded = above, 0
        told.append((row, "escalated", {"tier": row.steps[row.step]["tier"], "role": above, "note": why}))
        notices += [
            _notice(row, person, f"Passed on to you, since {why}: {row.title}") for person in sorted(able[above])
        ]
        if row.requester_user_id is not None:
            said = f"Passed on to {_said(above)}, since {why}: {row.title}"
            notices.append(_notice(row, row.requester_user_id, said))
    else:
        row.reminded += 1
        note = None if able[waiting] else f"nobody is left as {_said(waiting)}, nor anybody to pass it on to"
        told.append((row, "reminded", {"tier": row.steps[row.step]["tier"], "role": waiting, "note": note}))
        notices += [_notice(row, person, f"Waits for you: {row.title}") for person in sorted(able[waiting])]
        if note is not None and row.requester_user_id is not None:
            notices.append(_notice(row, row.requester_user_id, f"Stuck, since {note}: {row.title}"))
    row.due_at = due_after(session, row, now)


def _chain(session: Session, row: Row, now: datetime) -> list[str]:
    """Return the roles it may wait for, in the order they are tried, beginning with whose turn it is."""
    where = Where(location_id=row.location_id, entity_id=row.entity_id)
    last = str(resolve(session, ESCALATION_ROLE, where, at=now))
    later = [step["role"] for step in row.steps[row.step + 1 :]]
    return list(dict.fromkeys([str(row.waiting_role), *later, last]))


def _able(
    row: Row,
    role: str,
    people: Sequence[Authority],
    kinds: Mapping[str, ApprovalKind],
    consents: Mapping[UUID, list[ApprovalActivity]],
) -> set[int]:
    """Return who could decide in a role: there, permitted, not who asked, not who agreed already."""
    if row.kind not in kinds:
        return set()
    spent = {row.requester_user_id}
    for each in consents[row.id]:
        spent |= {each.user_id, each.for_user_id}
    return {
        person.user_id
        for person in people
        if person.user_id not in spent
        and role in person.roles_at(row.kind, row.entity_id, row.location_id)
        and person.permitted(kinds[row.kind].permission, row.entity_id, row.location_id)
    }


def _notice(row: Row, person: int, text: str) -> NewNotice:
    return NewNotice(person, row.entity_id, f"approval:{row.id}", text, f"/approvals/{row.id}")


def _said(role: str) -> str:
    return role.replace("_", " ")
