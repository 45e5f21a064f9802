"""Who a person is, whatever they act through, and what they may approve: by roles of their own or of whom they stand in for."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from onhand.access.principal import permits
from onhand.actors import Actor
from onhand.db import cursor

__all__ = ["Authority", "Held", "authorities", "holders", "person_of"]

# A program's token counts as whom it acts for; one that acts for nobody, as the person who issued it.
ISSUER = """
/* approvals.issuer */ SELECT coalesce(token.user_id, (
  SELECT issued.user_id FROM onhand.audit AS issued
  WHERE issued.subject = 'token:' || token.id AND issued.action = 'token.issue' ORDER BY issued.id LIMIT 1))
FROM onhand.api_token AS token WHERE token.id = %s
"""
AUTHORITIES = """
/* approvals.authorities */ WITH stood_in_for(user_id, kinds, is_own) AS (
  SELECT %(me)s::int, NULL::text[], true
  UNION ALL
  SELECT user_id, kinds, false FROM onhand.delegation
  WHERE delegate_id = %(me)s AND starts_at <= %(now)s AND ends_at > %(now)s AND revoked_at IS NULL
)
SELECT person.id, person.name, stood_in_for.is_own, stood_in_for.kinds, role.code, held.entity_id, held.location_id,
  array_agg(may.permission)
FROM stood_in_for
JOIN onhand."user" AS person ON person.id = stood_in_for.user_id AND person.active
JOIN onhand."user" AS me ON me.id = %(me)s AND me.active
JOIN onhand.user_role AS held ON held.user_id = person.id
JOIN onhand.role ON role.id = held.role_id
LEFT JOIN onhand.role_permission AS may ON may.role_id = role.id
GROUP BY stood_in_for.is_own, person.id, person.name, stood_in_for.kinds, held.id, role.code
ORDER BY stood_in_for.is_own DESC, person.id
"""
# All that people still in the house hold, of those who hold one of the roles anywhere.
HOLDERS = """
/* approvals.holders */ SELECT person.id, person.name, role.code, held.entity_id, held.location_id, array_agg(may.permission)
FROM onhand."user" AS person
JOIN onhand.user_role AS held ON held.user_id = person.id
JOIN onhand.role ON role.id = held.role_id
LEFT JOIN onhand.role_permission AS may ON may.role_id = role.id
WHERE person.active AND person.id IN (
  SELECT one.user_id FROM onhand.user_role AS one JOIN onhand.role AS wanted ON wanted.id = one.role_id
  WHERE wanted.code = ANY(%s))
GROUP BY person.id, person.name, held.id, role.code ORDER BY person.id
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A role at a place, with the permission patterns it gives."""

    role: str
    entity_id: int | None
    location_id: int | None
    patterns: tuple[str, ...]

    def covers(self, entity_id: int | None, location_id: int | None) -> bool:
        """Return whether it is held there: what concerns the whole group or entity needs a role that does, too."""
        return self.entity_id in (None, entity_id) and self.location_id in (None, location_id)


@dataclass(frozen=True, slots=True)
class Authority:
    """One person's roles, used by that person or by whoever stands in. `kinds` None: in everything."""

    user_id: int
    name: str
    is_own: bool
    kinds: frozenset[str] | None
    held: tuple[Held, ...]

    def roles_at(self, kind: str, entity_id: int | None, location_id: int | None) -> frozenset[str]:
        """Return the roles that may be used for a kind at a place."""
        if self.kinds is not None and kind not in self.kinds:
            return frozenset()
        return frozenset(held.role for held in self.held if held.covers(entity_id, location_id))

    def permitted(self, permission: str, entity_id: int | None, location_id: int | None) -> bool:
        """Return whether a permission is held at a place."""
        patterns = [each for held in self.held if held.covers(entity_id, location_id) for each in held.patterns]
        return permission in permits(patterns, (permission,))


def person_of(session: Session, by: Actor) -> int | None:
    """Return the person behind an actor, through tokens too; None for the suite itself."""
    if by.kind == "token" and by.user_id is None:
        row = cursor(session).execute(ISSUER, (by.id,)).fetchone()
        return row[0] if row else None
    return by.person_id


def authorities(session: Session, user_id: int, *, now: datetime) -> list[Authority]:
    """Return what a person may use, their own first; nothing for one who is disabled.

    Of whom they stand in for only what that person holds: what was delegated cannot be delegated on. Who left has no
    authority that another could use.
    """
    found: dict[tuple[bool, int, frozenset[str] | None], tuple[str, list[Held]]] = {}
    rows = cursor(session).execute(AUTHORITIES, {"me": user_id, "now": now})
    for person, name, is_own, kinds, role, entity_id, location_id, patterns in rows:
        key = (is_own, person, None if kinds is None else frozenset(kinds))
        held = Held(role, entity_id, location_id, tuple(filter(None, patterns)))
        found.setdefault(key, (name, []))[1].append(held)
    return [
        Authority(person, name, is_own, kinds, tuple(held)) for (is_own, person, kinds), (name, held) in found.items()
    ]


def holders(session: Session, roles: Collection[str]) -> list[Authority]:
    """Return what everyone still in the house holds who has one of these roles anywhere."""
    found: dict[int, tuple[str, list[Held]]] = {}
    for person, name, role, entity_id, location_id, patterns in cursor(session).execute(HOLDERS, (list(roles),)):
        held = Held(role, entity_id, location_id, tuple(filter(None, patterns)))
        found.setdefault(person, (name, []))[1].append(held)
    return [Authority(person, name, True, None, tuple(held)) for person, (name, held) in found.items()]
