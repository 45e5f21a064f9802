"""The history of a policy as people read it: every version with what it changed, and what became of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from onhand.policies.book import PARTS, Where
from onhand.policies.explaining import author_names
from onhand.policies.models import PolicyVersion
from onhand.policies.places import label_of, named
from onhand.policies.services import history, place_of, policy_type
from onhand.policies.values import shown

__all__ = ["HISTORY_ORDER", "Entry", "State", "chronicle", "told_of", "versions_listed"]

HISTORY_ORDER: Sequence[ColumnElement[Any]] = (PolicyVersion.effective_from.desc(), PolicyVersion.id.desc())

State = Literal["in force", "scheduled", "past", "ended", "replaced", "cancelled", "cancels"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A version: what it says, what was said at the same place before it, and what became of it by now."""

    id: int
    where: Where
    place: str
    value: Any
    said: str
    before: str
    condition: str | None
    effective_from: datetime
    recorded_at: datetime
    by: str
    reason: str | None
    state: State
    replaces: int | None
    replaced_by: int | None


def chronicle(
    session: Session, name: str, *, now: datetime, entities: Collection[int] | None = None
) -> list[Entry]:  # fmt: skip
    """Return the versions of a policy, newest effect first; with `entities` those of the group and of these alone."""
    versions = history(session, name)
    if entities is not None:
        versions = [one for one in versions if one.entity_id is None or one.entity_id in entities]
    return _entries(session, name, versions, versions, now)


def versions_listed(name: str, entities: Collection[int]) -> Select[Any]:
    """Return the versions of a policy for the group and for these entities; order them by `HISTORY_ORDER`."""
    v = PolicyVersion
    return select(v).where(v.policy == name, or_(v.entity_id.is_(None), v.entity_id.in_(entities)))


def told_of(session: Session, name: str, versions: Sequence[PolicyVersion], *, now: datetime) -> list[Entry]:
    """Return some versions as the chronicle tells of them: beside them only those of the same places are read."""
    return _entries(session, name, versions, _beside(session, name, versions), now)


def _beside(session: Session, name: str, versions: Sequence[PolicyVersion]) -> list[PolicyVersion]:
    """Return every version of the places of these."""
    places = {place_of(one) for one in versions}
    query = select(PolicyVersion).where(PolicyVersion.policy == name)
    for at, part in enumerate(PARTS):
        ids = {place.key[at] for place in places}
        column = getattr(PolicyVersion, part)
        given = column.in_(ids - {None})
        query = query.where(or_(given, column.is_(None)) if None in ids else given)
    return [one for one in session.scalars(query) if place_of(one) in places]


def _entries(
    session: Session, name: str, versions: Sequence[PolicyVersion], beside: Sequence[PolicyVersion], now: datetime
) -> list[Entry]:  # fmt: skip
    kind = policy_type(session, name)
    places = [place_of(one) for one in versions]
    names = named(session, places)
    people = author_names(session, {one.actor for one in versions})
    replaced_by = {one.replaces: one for one in beside if one.replaces is not None}
    before = _before(beside, replaced_by)
    latest = _latest(beside, replaced_by, now)
    return [
        Entry(
            id=one.id,
            where=where,
            place=label_of(where, names),
            value=one.value,
            said="not set" if one.cancels else shown(kind, one.value),
            before=shown(kind, before[one.id]),
            condition=one.condition,
            effective_from=one.effective_from,
            recorded_at=one.recorded_at,
            by=people.get(one.actor, one.actor),
            reason=one.reason,
            state=_state(one, replaced_by.get(one.id), latest.get(where), now),
            replaces=one.replaces,
            replaced_by=replaced_by[one.id].id if one.id in replaced_by else None,
        )
        for one, where in zip(versions, places, strict=True)
    ]


def _before(versions: Sequence[PolicyVersion], replaced_by: dict[int, PolicyVersion]) -> dict[int, Any]:
    """Return what was said at the same place before each version took effect: None where nothing was."""
    before: dict[int, Any] = {}
    last: dict[Where, Any] = {}
    for one in sorted(versions, key=lambda one: (one.effective_from, one.id)):
        where = place_of(one)
        before[one.id] = last.get(where)
        if not one.cancels and one.id not in replaced_by:
            last[where] = one.value
    return before


def _latest(
    versions: Sequence[PolicyVersion], replaced_by: dict[int, PolicyVersion], now: datetime
) -> dict[Where, int]:
    """Return the version that decides at each place now, itself having ended what was set there, perhaps."""
    latest: dict[Where, int] = {}
    for one in sorted(versions, key=lambda one: (one.effective_from, one.id)):
        if one.effective_from <= now and not one.cancels and one.id not in replaced_by:
            latest[place_of(one)] = one.id
    return latest


def _state(one: PolicyVersion, replacement: PolicyVersion | None, latest: int | None, now: datetime) -> State:
    if one.cancels:
        return "cancels"
    if replacement is not None:
        return "cancelled" if replacement.cancels else "replaced"
    if one.effective_from > now:
        return "scheduled"
    if one.id != latest:
        return "past"
    return "ended" if one.value is None else "in force"
