"""Logging in by password, sessions that can be ended, and the lock against guessing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Flask, current_app, request
from flask import session as cookie
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.cache import principals
from onhand.access.directory import by_login
from onhand.access.knowing import known_by
from onhand.access.models import Login, User
from onhand.access.passwords import hasher, never_matching
from onhand.access.principal import Principal
from onhand.actors import Actor
from onhand.ids import uuid7
from onhand.transaction import after_commit, run

__all__ = ["FAILURES_MAX", "SESSION_LASTS", "SignedIn", "end_login", "log_in", "log_out", "manage_logins"]

FAILURES_MAX = 5
LOCKED_FIRST = timedelta(minutes=1)
LOCKED_MAX = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
PASSWORD_CHARACTERS_MAX = 1_024


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What Flask-Login keeps of a person: their session and what they may do."""

    login_id: UUID
    principal: Principal
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """Return what the cookie carries: the session, not the person, so that ending it is enough."""
        return str(self.login_id)


def manage_logins(app: Flask) -> None:
    """Let Flask-Login find the person behind a cookie."""
    manager = LoginManager()
    manager.user_loader(_signed_in)
    manager.init_app(app)


def log_in(username: str, password: str) -> bool:
    """Begin a session in this browser; False for a wrong name or password, a disabled person, or one locked out.

    The four cannot be told apart from outside, by answer or by time. An attempt is counted before the password is
    looked at, so guesses sent at once cannot outrun the count. After five failures each further one locks the name,
    for a minute, two, four, at most fifteen. An address that tries more often than `LOGIN_LIMIT` gets TooMany.
    """
    from onhand.limits import LOGIN_LIMIT, refuse_beyond  # limits answer with problems, which know access

    refuse_beyond(LOGIN_LIMIT, "login", request.remote_addr or "")
    cost = current_app.extensions["onhand_settings"].password_cost
    user_id, stored = run(lambda session, now: _attempt(session, username.lower(), now), entities=())
    matches, better = hasher().verify_and_update(password[:PASSWORD_CHARACTERS_MAX], stored or never_matching(cost))
    if user_id is None or stored is None or not matches:
        return False
    address = request.remote_addr
    login_id = run(lambda session, now: _begin(session, user_id, better, address, now), entities=())
    found = _signed_in(str(login_id))
    if found is None:
        return False
    cookie.clear()  # nothing of the visitor before carries over, the CSRF secret least of all
    cookie.permanent = True
    login_user(found)
    return True


def log_out() -> None:
    """End this browser's session for good: a copy of its cookie is worth nothing afterwards."""
    login_id = cookie.get("_user_id")
    if login_id:
        run(lambda session, now: end_login(session, UUID(login_id), now=now), entities=())
    logout_user()
    cookie.clear()


def end_login(session: Session, login_id: UUID, *, now: datetime) -> None:
    """End a session. Takes effect everywhere within `CACHE_SECONDS`, here at once."""
    session.execute(update(Login).where(Login.id == login_id, Login.ended_at.is_(None)).values(ended_at=now))
    after_commit(session, principals.forget)


def _attempt(session: Session, username: str, now: datetime) -> tuple[int | None, str | None]:
    """Count an attempt and return the person's id and password hash; nothing for one who may not try now."""
    user = session.scalar(select(User).where(User.username == username, User.active).with_for_update())
    if user is None or (user.locked_until is not None and now < user.locked_until):
        return None, None
    user.failed_logins += 1
    over = user.failed_logins - FAILURES_MAX
    if over >= 0:
        user.locked_until = now + min(LOCKED_FIRST * 2 ** min(over, 8), LOCKED_MAX)
        by = Actor("user", user.id, user.name, user.id)
        audit.record(session, by, "user.lock", f"user:{user.id}", after={"until": user.locked_until.isoformat()})
    session.flush()
    return user.id, user.password


def _begin(session: Session, user_id: int, password_hash: str | None, address: str | None, now: datetime) -> UUID:
    user = session.get(User, user_id, with_for_update=True)
    assert user is not None  # noqa: S101 - people are never deleted
    user.failed_logins, user.locked_until = 0, None
    if password_hash is not None:
        user.password = password_hash
    login = Login(id=uuid7(), user_id=user_id, began_at=now, expires_at=now + SESSION_LASTS, address=address)
    session.add(login)
    audit.record(session, Actor("user", user.id, user.name, user.id), "user.log_in", f"user:{user.id}")
    session.flush()
    return login.id


def _signed_in(login_id: str) -> SignedIn | None:
    try:
        key = UUID(login_id)
    except ValueError:
        return None
    found = known_by(key, by_login)
    return None if found is None else SignedIn(key, found)
