"""HTML: whom one lets approve in one's stead, and for whom one may."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import clocks
from onhand.access import actor, in_scope, requires, scope
from onhand.access.models import User, UserRole
from onhand.approvals.services.delegating import DelegationRefused, NewDelegation, delegate, delegations, revoke
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.views.pages import approvals
from onhand.web import Column, filled, sentence, whole_number

__all__: list[str] = []

PEOPLE_MAX = 500
COLUMNS = [
    Column("who", "Who"), Column("kinds", "For"), Column("starts_at", "From", "day"), Column("ends_at", "Until", "day"),
    Column("note", "Note"), Column("act", "End it"),
]  # fmt: skip


@approvals.get("/delegation")
@requires("approvals.approve")
def delegation() -> str:
    """Show what one has delegated and was delegated, and a form for more."""
    return _page()


@approvals.post("/delegation")
@requires("approvals.approve")
def delegate_to() -> ResponseReturnValue:
    """Let somebody approve in one's stead until the end of a day."""
    kind, note = filled("kind"), filled("note") or None

    def command(session: Session, now: datetime) -> None:
        ends_at = _end_of(session, filled("ends_on"))
        to = whole_number(filled("delegate")) or 0
        wish = NewDelegation(to, ends_at, kinds=(kind,) if kind else (), note=note)
        delegate(session, [wish], by=actor(), now=now)

    try:
        in_scope(command)
    except DelegationRefused as refused:
        return _page(errors={refused.field: sentence(refused)}), 422
    flash("Delegated. It ends by itself on the day named.", "good")
    return redirect(url_for("approvals.delegation"), 303)


@approvals.post("/delegation/<int:delegation_id>/revoke")
@requires("approvals.approve")
def revoke_delegation(delegation_id: int) -> ResponseReturnValue:
    """End one's own delegation at once."""
    ended = in_scope(lambda session, now: revoke(session, [delegation_id], by=actor(), now=now))
    flash("Ended." if ended else "There is nothing to end.", "good" if ended else "warn")
    return redirect(url_for("approvals.delegation"), 303)


def _page(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "approvals/delegation.html", columns=COLUMNS, errors=errors or {}, given=request.form, **in_scope(_load)
    )


def _load(session: Session, now: datetime) -> dict[str, Any]:
    person = person_of(session, actor())
    known = [] if person is None else delegations(session, person, now=now)
    people = dict(_people(session, {each.user_id for each in known} | {each.delegate_id for each in known}))
    labels = {name: kind.label for name, kind in kinds_of(session).items()}

    def line(row: Any, other: int) -> dict[str, Any]:
        kinds = ", ".join(labels.get(name, name) for name in row.kinds) if row.kinds else "everything"
        return {
            "id": row.id, "who": people.get(other, f"user {other}"), "kinds": kinds, "starts_at": row.starts_at,
            "ends_at": row.ends_at, "note": row.note, "act": "",
        }  # fmt: skip

    return {
        "mine": [line(each, each.delegate_id) for each in known if each.user_id == person],
        "theirs": [line(each, each.user_id) for each in known if each.delegate_id == person],
        "people": [(id_, name) for id_, name in _colleagues(session) if id_ != person],
        "kinds": sorted(labels.items(), key=lambda pair: pair[1]),
        "today": clocks.today(now, _zone(session)).isoformat(),
    }


def _people(session: Session, ids: set[int]) -> list[tuple[int, str]]:
    return [(id_, name) for id_, name in session.execute(select(User.id, User.name).where(User.id.in_(ids)))]


def _colleagues(session: Session) -> list[tuple[int, str]]:
    """Return those with a role in an entity of this request, or in all of them, by name."""
    held = select(UserRole.user_id).where(UserRole.entity_id.in_(scope()) | UserRole.entity_id.is_(None))
    query = select(User.id, User.name, User.username).where(User.active, User.id.in_(held)).order_by(User.name, User.id)
    return [(id_, f"{name} ({username})") for id_, name, username in session.execute(query.limit(PEOPLE_MAX))]


def _zone(session: Session) -> str:
    return clocks.zone_of(session, next(iter(scope()), None))


def _end_of(session: Session, text: str) -> datetime:
    """Return the end of the last day, by the entity's clock."""
    try:
        return clocks.day(text, _zone(session)).ends_at
    except clocks.NoMoment as wrong:
        raise DelegationRefused("ends_at", str(wrong)) from None
