"""People and their roles. Passwords are checked in `login`; tokens are in `tokens`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.cache import principals
from onhand.access.models import Login, Role, User, UserRole
from onhand.actors import Actor
from onhand.transaction import after_commit

__all__ = [
    "NewUser",
    "RoleAt",
    "UserRefused",
    "change_password",
    "create_users",
    "end_logins",
    "grant_roles",
    "set_active",
    "user_count",
    "withdraw_roles",
]


class UserRefused(Exception):
    """A user name that is taken, a role or person that does not exist."""


@dataclass(frozen=True, slots=True)
class RoleAt:
    """A role in the whole group, in one entity, or at one location of it."""

    role: str
    entity_id: int | None = None
    location_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewUser:
    """A person to add. `password_hash` comes from `passwords.hasher()`; None: this person cannot log in by password."""

    username: str
    name: str
    password_hash: str | None = None
    roles: tuple[RoleAt, ...] = ()


def create_users(session: Session, people: Sequence[NewUser], *, by: Actor, now: datetime) -> list[User]:
    """Add people with their roles. User names are kept in lower case and are unique."""
    users = []
    for person in people:
        username = person.username.lower()
        if session.scalar(select(User.id).where(User.username == username)):
            raise UserRefused(f"there is a user {username!r} already")
        user = User(
            username=username,
            name=person.name,
            password=person.password_hash,
            active=True,
            failed_logins=0,
            recorded_at=now,
        )
        session.add(user)
        session.flush()
        audit.record(session, by, "user.create", f"user:{user.id}", after={"username": username, "name": person.name})
        grant_roles(session, user.id, person.roles, by=by)
        users.append(user)
    return users


def grant_roles(session: Session, user_id: int, roles: Sequence[RoleAt], *, by: Actor) -> None:
    """Give a person roles; one already held there stays as it is."""
    known = {code: id_ for id_, code in session.execute(select(Role.id, Role.code)).all()}
    places = select(UserRole.role_id, UserRole.entity_id, UserRole.location_id)
    held = {tuple(row) for row in session.execute(places.where(UserRole.user_id == user_id))}
    for at in roles:
        if at.role not in known:
            raise UserRefused(f"there is no role {at.role!r}; known: {', '.join(sorted(known))}")
        place = (known[at.role], at.entity_id, at.location_id)
        if place in held:
            continue
        held.add(place)
        session.add(UserRole(user_id=user_id, role_id=place[0], entity_id=place[1], location_id=place[2]))
        _tell(session, by, "user.grant_role", user_id, at)
    session.flush()
    after_commit(session, principals.forget)


def withdraw_roles(session: Session, user_id: int, roles: Sequence[RoleAt], *, by: Actor) -> None:
    """Take roles away exactly as they were given; what is not held is passed over."""
    for at in roles:
        role_id = select(Role.id).where(Role.code == at.role).scalar_subquery()
        gone = session.execute(
            delete(UserRole)
            .where(UserRole.user_id == user_id, UserRole.role_id == role_id)
            .where(UserRole.entity_id.is_not_distinct_from(at.entity_id))
            .where(UserRole.location_id.is_not_distinct_from(at.location_id))
            .returning(UserRole.id)
        ).all()
        if gone:
            _tell(session, by, "user.withdraw_role", user_id, at)
    after_commit(session, principals.forget)


def set_active(
    session: Session, user_id: int, active: bool, *, by: Actor, now: datetime, reason: str | None = None
) -> None:
    """Let a person in again, or shut them out: their sessions end, and their tokens with them."""
    user = _user(session, user_id)
    audit.record(session, by, "user.set_active", f"user:{user_id}", {"active": user.active}, {"active": active}, reason)
    user.active = active
    if not active:
        end_logins(session, user_id, now=now)
    session.flush()
    after_commit(session, principals.forget)


def change_password(session: Session, user_id: int, password_hash: str, *, by: Actor, now: datetime) -> None:
    """Set a new password, lift a lock and end every session begun with the old one."""
    user = _user(session, user_id)
    user.password, user.failed_logins, user.locked_until = password_hash, 0, None
    end_logins(session, user_id, now=now)
    audit.record(session, by, "user.change_password", f"user:{user_id}")
    session.flush()
    after_commit(session, principals.forget)


def end_logins(session: Session, user_id: int, *, now: datetime) -> None:
    """End all of a person's sessions."""
    session.execute(update(Login).where(Login.user_id == user_id, Login.ended_at.is_(None)).values(ended_at=now))


def user_count(session: Session) -> int:
    """Return how many people there are; 0 on a fresh site."""
    return session.scalar(select(func.count()).select_from(User)) or 0


def _user(session: Session, user_id: int) -> User:
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise UserRefused(f"there is no user {user_id}")
    return user


def _tell(session: Session, by: Actor, action: str, user_id: int, at: RoleAt) -> None:
    after = {"role": at.role, "entity_id": at.entity_id, "location_id": at.location_id}
    audit.record(session, by, action, f"user:{user_id}", after=after)
