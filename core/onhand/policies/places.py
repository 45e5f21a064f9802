"""Places by the codes people use: looked up by the add-ons that own locations, channels, categories and items."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.addons.models import Entity
from onhand.contributions import PolicyPart, PolicyScope
from onhand.policies.book import PARTS, Where
from onhand.policies.values import PolicyRefused
from onhand.transaction import context

__all__ = ["GROUP_LABEL", "PlaceNames", "checked", "label_of", "named", "part_names", "where_of"]

GROUP_LABEL = "the whole group"
PlaceNames = Mapping[str, Mapping[int, PolicyPart]]
"""What to call the parts of places: by part (`location`), by id."""


def where_of(session: Session, codes: Mapping[str, str | None], policy: str = "") -> Where:
    """Return the place that codes name: `{"entity": "NORTH", "location": "S1"}`; PolicyRefused for one that names none.

    The entity of a location or channel is taken from it where none is named.
    """
    ids: dict[str, int] = {}
    for part, code in codes.items():
        if not code:
            continue
        if f"{part}_id" not in PARTS:
            raise PolicyRefused(
                f"a place has no {part!r}; it has {', '.join(part_names())}", policy=policy, field="scope"
            )
        ids[f"{part}_id"] = _id(session, part, code, policy)
    return checked(session, [Where(**ids)], policy)[0]


def checked(session: Session, places: Sequence[Where], policy: str = "") -> list[Where]:
    """Return places with the entity of their location and channel filled in.

    PolicyRefused naming the part for what does not exist within the transaction's scope, or belongs to another entity.
    Parts that no installed add-on looks up are taken as they are.
    """
    found = named(session, places)
    return [_checked(session, where, found, policy) for where in places]


def named(session: Session, places: Iterable[Where]) -> PlaceNames:
    """Return what to call the parts of places; what is out of the transaction's scope is left out."""
    wanted: dict[str, set[int]] = {}
    for where in places:
        for part, id_ in zip(part_names(), where.key, strict=True):
            if id_ is not None:
                wanted.setdefault(part, set()).add(id_)
    scopes = context(session).addons.policy_scopes
    names: dict[str, Mapping[int, PolicyPart]] = {
        part: scopes[part].by_id(session, ids) for part, ids in wanted.items() if part in scopes
    }
    if "entity" in wanted:
        names["entity"] = _entities(session, wanted["entity"])
    return names


def label_of(where: Where, names: PlaceNames) -> str:
    """Write a place for people: `location S1 of NORTH`, or what is left of it where parts are out of reach."""
    said = []
    for part, id_ in zip(part_names(), where.key, strict=True):
        if id_ is not None:
            thing = names.get(part, {}).get(id_)
            said.append(f"{part} {thing.code if thing else f'#{id_}'}")
    if len(said) > 1 and where.entity_id is not None:
        return f"{', '.join(said[:-1])} of {said[-1].removeprefix('entity ')}"
    return ", ".join(said) or GROUP_LABEL


def part_names() -> tuple[str, ...]:
    """Return the parts of a place, most specific first: item, category, location, channel, entity."""
    return tuple(part.removesuffix("_id") for part in PARTS)


def _id(session: Session, part: str, code: str, policy: str) -> int:
    if part == "entity":
        found = session.scalar(select(Entity.id).where(Entity.code == code)) if code.isprintable() else None
        if found is not None:
            return found
    else:
        scope = context(session).addons.policy_scopes.get(part)
        if scope is None:
            if code.isascii() and code.isdecimal() and len(code) <= 9:
                return int(code)
            raise PolicyRefused(
                f"no installed add-on knows a {part} by its code: give its id", policy=policy, field=f"scope.{part}"
            )
        thing = _by_code(session, scope, code)
        if thing is not None:
            return thing.id
    raise PolicyRefused(f"there is no {part} {code!r} here", policy=policy, field=f"scope.{part}")


def _by_code(session: Session, scope: PolicyScope, code: str) -> PolicyPart | None:
    return scope.by_code(session, [code]).get(code) if code.isprintable() else None


def _checked(session: Session, where: Where, names: PlaceNames, policy: str) -> Where:
    owners: dict[str, PolicyPart] = {}
    scopes = context(session).addons.policy_scopes
    for part, id_ in zip(part_names(), where.key, strict=True):
        if id_ is None or part not in scopes:
            continue
        thing = names.get(part, {}).get(id_)
        if thing is None:
            raise PolicyRefused(f"there is no {part} {id_} here", policy=policy, field=f"scope.{part}")
        if thing.entity_id is not None:
            owners[part] = thing
    wanted = where.entity_id
    for part, thing in owners.items():
        wanted = thing.entity_id if wanted is None else wanted
        if thing.entity_id != wanted:
            codes = _entities(session, {thing.entity_id or 0, wanted or 0})
            raise PolicyRefused(
                f"{part} {thing.code} belongs to entity {_code(codes, thing.entity_id)}, not to {_code(codes, wanted)}",
                policy=policy,
                field=f"scope.{part}",
            )
    return replace(where, entity_id=wanted)


def _code(names: Mapping[int, PolicyPart], entity_id: int | None) -> str:
    found = names.get(entity_id or 0)
    return found.code if found else str(entity_id)


def _entities(session: Session, ids: Collection[int]) -> dict[int, PolicyPart]:
    rows = session.execute(select(Entity.id, Entity.code, Entity.name).where(Entity.id.in_(ids)))
    return {id_: PolicyPart(id_, code, name, id_) for id_, code, name in rows}
