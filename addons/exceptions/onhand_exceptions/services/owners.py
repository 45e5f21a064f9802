"""Whose an exception is: by default the manager of its location, else whom a person names."""

from collections.abc import Collection

from onhand.db import cursor
from sqlalchemy.orm import Session

__all__ = ["able", "able_in", "able_somewhere", "default_owners", "holders"]

MANAGER = "store_manager"

# Of several managers of one location the one longest in the house, so that the answer does not vary.
MANAGERS = """
/* exceptions.managers */ SELECT held.location_id, min(held.user_id)
FROM onhand.user_role AS held
JOIN onhand.role ON role.id = held.role_id AND role.code = %s
JOIN onhand."user" AS person ON person.id = held.user_id AND person.active
WHERE held.entity_id = %s AND held.location_id = ANY(%s) GROUP BY held.location_id
"""
# Who holds a role nearest to the place: at the location, in the entity, in the group; of several the longest there.
HOLDERS = """
/* exceptions.holders */ SELECT DISTINCT ON (place.ordinal) place.ordinal, person.id
FROM unnest(%s::int[]) WITH ORDINALITY AS place(location_id, ordinal)
JOIN onhand.role ON role.code = %s
JOIN onhand.user_role AS held ON held.role_id = role.id AND (held.entity_id IS NULL OR held.entity_id = %s)
  AND (held.location_id IS NULL OR held.location_id = place.location_id)
JOIN onhand."user" AS person ON person.id = held.user_id AND person.active
ORDER BY place.ordinal, held.location_id NULLS LAST, held.entity_id NULLS LAST, person.id
"""
ABLE = """
/* exceptions.able */ SELECT DISTINCT person.id, held.entity_id, held.location_id
FROM onhand."user" AS person
JOIN onhand.user_role AS held ON held.user_id = person.id
JOIN onhand.role_permission AS may ON may.role_id = held.role_id
  AND may.permission IN ('exceptions.work', '*.work', '*')
WHERE person.active AND person.id = ANY(%s)
"""
ABLE_SOMEWHERE = """
/* exceptions.able_somewhere */ SELECT DISTINCT person.id, person.name
FROM onhand."user" AS person
JOIN onhand.user_role AS held ON held.user_id = person.id AND (held.entity_id IS NULL OR held.entity_id = %s)
JOIN onhand.role_permission AS may ON may.role_id = held.role_id
  AND may.permission IN ('exceptions.work', '*.work', '*')
WHERE person.active ORDER BY person.name, person.id LIMIT %s
"""
ABLE_IN = """
/* exceptions.able_in */ SELECT DISTINCT person.id, person.name
FROM onhand."user" AS person
JOIN onhand.user_role AS held ON held.user_id = person.id
  AND (held.entity_id IS NULL OR held.entity_id = %s) AND (held.location_id IS NULL OR held.location_id = %s)
JOIN onhand.role_permission AS may ON may.role_id = held.role_id
  AND may.permission IN ('exceptions.work', '*.work', '*')
WHERE person.active ORDER BY person.name, person.id LIMIT %s
"""
PEOPLE_MAX = 500


def default_owners(session: Session, entity_id: int, locations: Collection[int | None]) -> dict[int | None, int]:
    """Return the manager of each location that has one, as a user id."""
    places = [place for place in locations if place is not None]
    if not places:
        return {}
    return {row[0]: row[1] for row in cursor(session).execute(MANAGERS, (MANAGER, entity_id, places))}


def holders(session: Session, entity_id: int, role: str, locations: Collection[int | None]) -> dict[int | None, int]:
    """Return for each place who holds a role nearest to it, as a user id; places without one are left out."""
    places = list(locations)
    rows = cursor(session).execute(HOLDERS, (places, role, entity_id))
    return {places[ordinal - 1]: person for ordinal, person in rows}


def able(session: Session, people: Collection[int]) -> set[tuple[int, int | None, int | None]]:
    """Return (person, entity, location) wherever the people may work on exceptions; None stands for all."""
    return {(row[0], row[1], row[2]) for row in cursor(session).execute(ABLE, (list(people),))}


def able_in(session: Session, entity_id: int, location_id: int | None) -> list[tuple[int, str]]:
    """Return (id, name) of those who may work on exceptions of an entity and location, by name."""
    rows = cursor(session).execute(ABLE_IN, (entity_id, location_id, PEOPLE_MAX))
    return [(row[0], row[1]) for row in rows]


def able_somewhere(session: Session, entity_id: int) -> list[tuple[int, str]]:
    """Return (id, name) of those who may work on exceptions of an entity, at some location or everywhere, by name."""
    return [(row[0], row[1]) for row in cursor(session).execute(ABLE_SOMEWHERE, (entity_id, PEOPLE_MAX))]
