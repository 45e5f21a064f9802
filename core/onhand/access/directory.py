"""Look principals up: by a token's digest, by a session."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.access.principal import Grant, Principal, added_up, permits
from onhand.actors import Actor
from onhand.db import cursor

__all__ = ["by_digest", "by_login", "by_user"]

BY_DIGEST = """
SELECT t.id, t.name, t.user_id, t.entity_id, t.permissions, t.source, t.expires_at
FROM onhand.api_token t LEFT JOIN onhand."user" u ON u.id = t.user_id
WHERE t.digest = %s AND t.revoked_at IS NULL AND t.expires_at > %s AND coalesce(u.active, true)
"""
LOGIN = "SELECT user_id, expires_at FROM onhand.login WHERE id = %s AND ended_at IS NULL AND expires_at > %s"
USER = 'SELECT id, name FROM onhand."user" WHERE id = %s AND active'
GRANTS = """
SELECT r.name, ur.entity_id, ur.location_id, array_agg(rp.permission)
FROM onhand.user_role ur JOIN onhand.role r ON r.id = ur.role_id JOIN onhand.role_permission rp ON rp.role_id = r.id
WHERE ur.user_id = %s GROUP BY ur.id, r.name, ur.entity_id, ur.location_id ORDER BY r.name
"""
Found = tuple[Principal | None, float]
FOREVER = float("inf")


def by_digest(session: Session, digest: bytes, declared: Collection[str], now: datetime) -> Found:
    """Return a live token's principal and the seconds it has left; a token never exceeds the person it acts for."""
    row = _one(session, BY_DIGEST, (digest, now))
    if row is None:
        return None, FOREVER
    token_id, name, user_id, entity_id, permissions, source, expires_at = row
    allowed = frozenset(permissions) & frozenset(declared)
    grants: Iterable[Grant] = [Grant(allowed, entity_id)]
    if user_id is not None:
        person = _grants(session, user_id, declared)[0]
        grants = [
            Grant(grant.permissions & allowed, entity_id or grant.entity_id, grant.location_id)
            for grant in person
            if entity_id is None or grant.entity_id in (None, entity_id)
        ]
    grants = list(grants)
    principal = Principal(
        actor=Actor("token", token_id, name, user_id, source),
        owner=_owner(token_id, user_id, entity_id, source),
        reaches=added_up(grants, _every_entity(session)),
        source=source,
        entity_id=entity_id,
        group=_in_group(grants),
    )
    return principal, (expires_at - now).total_seconds()


def by_login(session: Session, login_id: UUID, declared: Collection[str], now: datetime) -> Found:
    """Return the person behind a session that has neither ended nor expired, and the seconds it has left."""
    row = _one(session, LOGIN, (login_id, now))
    if row is None:
        return None, FOREVER
    return by_user(session, row[0], declared), (row[1] - now).total_seconds()


def by_user(session: Session, user_id: int, declared: Collection[str]) -> Principal | None:
    """Return an active person with what their roles allow; None for one who is disabled or unknown."""
    row = _one(session, USER, (user_id,))
    if row is None:
        return None
    grants, roles = _grants(session, user_id, declared)
    return Principal(
        actor=Actor("user", user_id, row[1], user_id),
        owner=f"user:{user_id}",
        reaches=added_up(grants, _every_entity(session)),
        roles=roles,
        group=_in_group(grants),
    )


def _grants(session: Session, user_id: int, declared: Collection[str]) -> tuple[list[Grant], tuple[str, ...]]:
    grants: list[Grant] = []
    roles: dict[str, None] = {}
    for role, entity_id, location_id, patterns in cursor(session).execute(GRANTS, (user_id,)).fetchall():
        grants.append(Grant(permits(patterns, declared), entity_id, location_id))
        roles[role] = None
    return grants, tuple(roles)


def _owner(token_id: int, user_id: int | None, entity_id: int | None, source: str | None) -> str:
    """Name whose idempotency keys these are: what stays the same when a token is replaced by a fresh one."""
    if user_id is not None:
        return f"user:{user_id}"
    return f"token:{token_id}" if source is None else f"source:{entity_id or 'group'}:{source}"


def _in_group(grants: Iterable[Grant]) -> frozenset[str]:
    return frozenset(name for grant in grants if grant.entity_id is None for name in grant.permissions)


def _every_entity(session: Session) -> list[int]:
    return [row[0] for row in cursor(session).execute("SELECT id FROM onhand.entity").fetchall()]


def _one(session: Session, sql: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return cursor(session).execute(sql, values).fetchone()
