"""Delegation: until an end, one person may approve with another's authority."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.models import User
from onhand.actors import Actor
from onhand.approvals.models import Delegation
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import kinds_of
from onhand.policies.book import Where
from onhand.policies.services import resolve

__all__ = ["DelegationRefused", "NewDelegation", "delegate", "delegations", "revoke"]

ID_MAX = 2**31 - 1
DAYS_MAX = "approvals.delegation_days_max"


class DelegationRefused(Exception):
    """A delegation that cannot be: to oneself, to nobody, without an end, for longer than the policy allows."""

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class NewDelegation:
    """Let someone approve in one's stead; without kinds in everything, without a start from now on."""

    delegate_id: int
    ends_at: datetime
    starts_at: datetime | None = None
    kinds: tuple[str, ...] = ()
    note: str | None = None


def delegate(session: Session, wanted: Sequence[NewDelegation], *, by: Actor, now: datetime) -> list[Delegation]:
    """Let others approve with one's authority until the end named. Only a person can, and only with their own.

    All or none: DelegationRefused says what to mend. What others delegated to oneself is not passed on.
    """
    person = person_of(session, by)
    if person is None or by.kind == "system":
        raise DelegationRefused("delegate", "only a person has authority to delegate, and this token acts for nobody")
    days = int(resolve(session, DAYS_MAX, Where(), at=now))
    known = kinds_of(session)
    made = []
    for wish in wanted:
        starts_at = max(wish.starts_at or now, now)
        _check(session, wish, person, starts_at, days, known)
        row = Delegation(
            user_id=person,
            delegate_id=wish.delegate_id,
            kinds=sorted(set(wish.kinds)) or None,
            starts_at=starts_at,
            ends_at=wish.ends_at,
            note=wish.note,
            recorded_at=now,
        )
        session.add(row)
        session.flush()
        after = {
            "to": row.delegate_id,
            "kinds": row.kinds,
            "from": starts_at.isoformat(),
            "until": row.ends_at.isoformat(),
        }
        audit.record(session, by, "delegation.create", f"delegation:{row.id}", after=after, reason=row.note)
        made.append(row)
    return made


def revoke(session: Session, ids: Sequence[int], *, by: Actor, now: datetime) -> list[int]:
    """End one's own delegations at once, and return those that had not ended. Others' are passed over."""
    person = person_of(session, by)
    query = select(Delegation).where(
        Delegation.id.in_([id_ for id_ in ids if 0 < id_ <= ID_MAX]),
        Delegation.user_id == person,
        Delegation.revoked_at.is_(None),
        Delegation.ends_at > now,
    )
    ended = list(session.scalars(query.order_by(Delegation.id).with_for_update(key_share=True)))
    for row in ended:
        row.revoked_at = now
        audit.record(session, by, "delegation.revoke", f"delegation:{row.id}")
    session.flush()
    return [row.id for row in ended]


def delegations(session: Session, user_id: int, *, now: datetime) -> list[Delegation]:
    """Return what a person has delegated or was delegated and has not ended, the first to end first."""
    query = select(Delegation).where(
        or_(Delegation.user_id == user_id, Delegation.delegate_id == user_id),
        Delegation.revoked_at.is_(None),
        Delegation.ends_at > now,
    )
    return list(session.scalars(query.order_by(Delegation.ends_at, Delegation.id)))


def _check(
    session: Session, wish: NewDelegation, person: int, starts_at: datetime, days: int, kinds: Collection[str]
) -> None:
    if wish.delegate_id == person:
        raise DelegationRefused("delegate", "nobody stands in for themselves: choose somebody else")
    if session.scalar(select(User.id).where(User.id == wish.delegate_id, User.active)) is None:
        raise DelegationRefused("delegate", "there is no such person in the house")
    if wish.ends_at <= starts_at:
        raise DelegationRefused("ends_at", "the end lies before the beginning")
    if wish.ends_at > starts_at + timedelta(days=days):
        raise DelegationRefused("ends_at", f"a delegation lasts {days} days at most")
    if unknown := sorted(set(wish.kinds) - set(kinds)):
        raise DelegationRefused(
            "kinds", f"there is no kind {', '.join(unknown)}; there are: {', '.join(sorted(kinds))}"
        )
