"""Who asks, and what they may do where."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from onhand.actors import Actor

__all__ = ["ANYWHERE", "Grant", "Principal", "added_up", "permits"]

Places = frozenset[int] | None  # locations; None is all of them
ANYWHERE: Places = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions held in an entity (None: all of them), at one location of it (None: all of them)."""

    permissions: frozenset[str]
    entity_id: int | None = None
    location_id: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone known: the actor to record, and the permissions as they stood when it was looked up.

    `reaches` maps a permission to the entities where it is held, and these to the locations.
    """

    actor: Actor
    owner: str
    reaches: Mapping[str, Mapping[int, Places]]
    source: str | None = None
    entity_id: int | None = None
    roles: tuple[str, ...] = ()
    group: frozenset[str] = field(default=frozenset())

    def may(self, permission: str, entity_id: int | None = None, location_id: int | None = None) -> bool:
        """Return whether a permission is held there; without an entity or location: anywhere at all."""
        entities = self.reaches.get(permission)
        if not entities:
            return False
        if entity_id is None:
            return True
        if entity_id not in entities:
            return False
        places = entities[entity_id]
        return location_id is None or places is None or location_id in places

    def may_in_group(self, permission: str) -> bool:
        """Return whether a permission is held for the group as a whole, entities yet to come included."""
        return permission in self.group

    def entities(self, permission: str | None = None) -> tuple[int, ...]:
        """Return the entities where a permission is held, or any permission at all."""
        if permission is not None:
            return tuple(self.reaches.get(permission, ()))
        return tuple(sorted({entity_id for held in self.reaches.values() for entity_id in held}))

    def locations(self, permission: str, entity_id: int) -> Places:
        """Return the locations of an entity where a permission is held; None means all of them."""
        return self.reaches.get(permission, {}).get(entity_id, frozenset())


def permits(patterns: Iterable[str], declared: Iterable[str]) -> frozenset[str]:
    """Return the declared permissions that patterns allow: `stock.adjust`, every noun's `*.read`, or all, `*`."""
    wanted = set(patterns)
    if "*" in wanted:
        return frozenset(declared)
    return frozenset(name for name in declared if name in wanted or f"*.{name.partition('.')[2]}" in wanted)


def added_up(grants: Iterable[Grant], every_entity: Collection[int]) -> dict[str, dict[int, Places]]:
    """Return permission → entity → locations, what several grants allow being added up."""
    reaches: dict[str, dict[int, Places]] = {}
    for grant in grants:
        entities = sorted(every_entity) if grant.entity_id is None else (grant.entity_id,)
        for permission in grant.permissions:
            held = reaches.setdefault(permission, {})
            for entity_id in entities:
                held[entity_id] = _add(held.get(entity_id, frozenset()), grant.location_id)
    return {permission: dict(sorted(held.items())) for permission, held in reaches.items()}


def _add(places: Places, location_id: int | None) -> Places:
    return None if location_id is None or places is None else places | {location_id}
