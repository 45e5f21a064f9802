"""Who may change what, and what a refusal becomes."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, principal
from onhand.access.models import User
from onhand.reasons.models import ReasonCode
from onhand.reasons.services import CODE, ReasonRefused

__all__ = ["ReasonChanged", "listed", "may_edit", "problem_of", "require_editor", "seen"]


class ReasonNotYours(problems.Conflict):
    """Reason codes are the group's: who edits them in one entity alone may change those they own, and no others."""

    type, title = "reason-not-yours", "This reason code is for others to change"


class ReasonChanged(problems.Conflict):
    """The reason code has moved on since it was seen: look at it again."""

    type, title = "reason-changed", "This reason code has moved on"


def listed(*, kind: str | None = None, retired: bool = False) -> Select[Any]:
    """Return reason codes by their codes, with the owner's name."""
    query = (
        select(*ReasonCode.__table__.columns, User.name.label("owner"))
        .join(User, User.id == ReasonCode.owner_user_id, isouter=True)
        .where(ReasonCode.retired_at.is_not(None) if retired else ReasonCode.retired_at.is_(None))
    )
    if kind is not None:
        query = query.where((ReasonCode.kinds == []) | ReasonCode.kinds.contains([kind]))
    return query


def seen(session: Session, code: str) -> ReasonCode:
    """Return a reason code; NotFound when there is none."""
    row = session.get(ReasonCode, code) if CODE.fullmatch(code) else None
    if row is None:
        raise problems.NotFound("there is no such reason code")
    return row


def may_edit(row: ReasonCode | None) -> bool:
    """Return whether who asks may change a code, or with None add one: codes are the group's, or their owner's."""
    known = principal()
    me = actor().person_id
    is_owner = row is not None and me is not None and row.owner_user_id == me and known.may("reasons.edit")
    return known.may_in_group("reasons.edit") or is_owner


def require_editor(row: ReasonCode | None) -> None:
    """Refuse who may not."""
    if not may_edit(row):
        detail = "reason codes are the group's: this needs reasons.edit in the group, or to own the code"
        raise ReasonNotYours(detail)


def problem_of(refused: ReasonRefused) -> problems.Problem:
    """Return the problem that says what a refusal says."""
    if refused.why == "unknown":
        return problems.NotFound(str(refused))
    if refused.why == "changed":
        return ReasonChanged(str(refused))
    return problems.Invalid(str(refused), errors=[problems.field_error(refused.field, str(refused))])
