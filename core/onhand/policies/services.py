"""Read and set policies."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.actors import Actor
from onhand.contributions import PolicyType, PolicyValue
from onhand.db import take_turn
from onhand.policies import conditions
from onhand.policies.book import PARTS, Place, Where
from onhand.policies.models import PolicyVersion
from onhand.policies.places import checked, label_of, named, part_names
from onhand.policies.values import REASON_CHARACTERS_MAX, PolicyChange, PolicyRefused, kept, names, stored
from onhand.transaction import context

__all__ = [
    "PolicyChange", "PolicyRefused", "checked_change", "find_version", "history", "in_force_at", "is_chosen", "place_of", "policy_type", "resolve",
    "resolve_many", "set_policies", "set_policy",
]  # fmt: skip

Key = tuple[str, Place, datetime]


def policy_type(session: Session, name: str) -> PolicyType:
    """Return the type of a policy; raise PolicyRefused naming the known ones when no add-on contributes it."""
    types = context(session).addons.policy_types
    if name not in types:
        known = ", ".join(sorted(types)) or "none"
        raise PolicyRefused(f"there is no policy {name!r}; known: {known}", policy=name, field="policy")
    return types[name]


def resolve(
    session: Session, name: str, where: Where, *, at: datetime, facts: Mapping[str, Any] | None = None
) -> PolicyValue:
    """Return the value in force at a place and time: the most specific version, else the type's default.

    `facts` are what conditions may ask about, where the policy's type declares variables.
    """
    return resolve_many(session, name, [where], at=at, facts=facts)[0]


def is_chosen(session: Session, name: str, where: Where, *, at: datetime) -> bool:
    """Say whether somebody has set a policy for a place, or for one that it lies in: a default is nobody's choice."""
    return context(session).policies.find(name, where.key, at) is not None


def resolve_many(
    session: Session, name: str, places: Sequence[Where], *, at: datetime, facts: Mapping[str, Any] | None = None
) -> list[PolicyValue]:
    """Return the value in force at each place, in their order. Reads memory, not the database."""
    kind = policy_type(session, name)
    book = context(session).policies
    if book.is_conditional(name):
        settings = [book.find_given(name, place.key, at, facts) for place in places]
        return [kind.default if one is None else stored(kind, one.value) for one in settings]
    find = book.find
    return [
        kind.default if (found := find(name, place.key, at)) is None else stored(kind, found.value) for place in places
    ]


def set_policy(
    session: Session,
    name: str,
    value: Any,
    where: Where,
    *,
    by: Actor,
    now: datetime,
    effective_from: datetime | None = None,
) -> PolicyVersion:
    """Add one version, as `set_policies` does."""
    return set_policies(session, [PolicyChange(name, value, where, effective_from)], by=by, now=now)[0]


def set_policies(
    session: Session, changes: Sequence[PolicyChange], *, by: Actor, now: datetime, reason: str | None = None
) -> list[PolicyVersion]:
    """Add versions, all of them or none, and tell the audit trail; history stands, whatever is set.

    PolicyRefused naming policy and field for a value that does not fit, a scope that the policy may not have or that
    is of another entity, a condition that cannot be judged, and for a moment at which another version of the same
    place takes effect already: name that one in `replaces`, as long as it is not yet in force. `resolve` knows of it
    from the next transaction on.
    """
    if reason is not None and (len(reason) > REASON_CHARACTERS_MAX or "\x00" in reason):
        raise PolicyRefused(f"a reason has at most {REASON_CHARACTERS_MAX} characters", field="reason")
    made = [_version(session, change, by, now, reason) for change in changes]
    take_turn(session, "onhand.policy_version")
    present = _standing(session, {version.policy for version in made})
    for change, version in zip(changes, made, strict=True):
        _fit(session, change, version, present, now)
        session.add(version)
        session.flush()
        present[_key(version)] = version
        audit.record(
            session,
            by,
            "policy.cancel" if version.cancels else "policy.set",
            f"policy:{version.policy}",
            before=_told(present.get(version.replaces)) if version.replaces else None,
            after=_told(version),
            reason=reason,
            entity_id=_audited_entity(session, version),
        )
    return made


def checked_change(session: Session, change: PolicyChange, *, now: datetime) -> PolicyChange:
    """Return a change with its place filled in, as `set_policies` would take it now; PolicyRefused where it would not."""
    version = _version(session, change, Actor.system("check"), now, None)
    _fit(session, change, version, _standing(session, {version.policy}), now)
    return replace(change, value=version.value, where=place_of(version), condition=version.condition)


def find_version(session: Session, name: str, version_id: int) -> PolicyVersion:
    """Return a version of a policy; PolicyRefused where there is none of that number."""
    policy_type(session, name)
    found = session.get(PolicyVersion, version_id) if 0 < version_id < 2**63 else None
    if found is None or found.policy != name:
        raise PolicyRefused(f"{name} has no version {version_id}", policy=name, field="version")
    return found


def history(session: Session, name: str) -> list[PolicyVersion]:
    """Return every version of a policy, newest effect first."""
    query = select(PolicyVersion).where(PolicyVersion.policy == name)
    return list(session.scalars(query.order_by(PolicyVersion.effective_from.desc(), PolicyVersion.id.desc())))


def in_force_at(session: Session, name: str, where: Where, at: datetime) -> PolicyVersion | None:
    """Return the version in force at exactly this place, not at one that covers it; None where nothing is set."""
    query = select(PolicyVersion).where(PolicyVersion.policy == name, PolicyVersion.effective_from <= at)
    for part, id_ in zip(PARTS, where.key, strict=True):
        query = query.where(getattr(PolicyVersion, part).is_not_distinct_from(id_))
    later = select(PolicyVersion.replaces).where(PolicyVersion.replaces.is_not(None))
    query = query.where(~PolicyVersion.cancels, PolicyVersion.id.not_in(later))
    return session.scalar(query.order_by(PolicyVersion.effective_from.desc(), PolicyVersion.id.desc()).limit(1))


def place_of(version: PolicyVersion) -> Where:
    """Return the place of a version."""
    return Where(*(getattr(version, part) for part in PARTS))


def _version(session: Session, change: PolicyChange, by: Actor, now: datetime, reason: str | None) -> PolicyVersion:
    kind = policy_type(session, change.policy)
    _check_scope(kind, change.where)
    where = checked(session, [change.where], kind.name)[0]
    condition = (change.condition or "").strip() or None
    if condition is not None:
        _check_condition(kind, condition)
    return PolicyVersion(
        policy=kind.name,
        value=None if change.value is None else kept(kind, change.value),
        effective_from=max(change.effective_from or now, now),
        recorded_at=now,
        actor=by.ref,
        condition=condition,
        reason=reason or None,
        replaces=change.replaces,
        cancels=change.cancels,
        **dict(zip(PARTS, where.key, strict=True)),
    )


def _check_scope(kind: PolicyType, where: Where) -> None:
    given = {part.removesuffix("_id") for part, id_ in zip(PARTS, where.key, strict=True) if id_ is not None}
    implied = {"entity"} if given & {"location", "channel"} else set()
    for part in part_names():
        if part in given - implied and part not in kind.scopes:
            raise PolicyRefused(
                f"{kind.name} cannot be set per {part}; allowed: {names([*kind.scopes, 'group'])}",
                policy=kind.name,
                field=f"scope.{part}",
            )


def _check_condition(kind: PolicyType, condition: str) -> None:
    if not kind.variables:
        raise PolicyRefused(f"{kind.name} takes no condition", policy=kind.name, field="condition")
    try:
        conditions.check(condition, kind.variables)
    except conditions.BadCondition as error:
        raise PolicyRefused(f"the condition of {kind.name}: {error}", policy=kind.name, field="condition") from None


def _standing(session: Session, policies: set[str]) -> "dict[Any, PolicyVersion]":
    """Return the versions that nothing has replaced, by (policy, place, moment), and all of them by number."""
    found = session.scalars(select(PolicyVersion).where(PolicyVersion.policy.in_(policies)).order_by(PolicyVersion.id))
    return {key: version for version in found for key in (_key(version), version.id)}


def _fit(
    session: Session, change: PolicyChange, version: PolicyVersion, present: "dict[Any, PolicyVersion]", now: datetime
) -> None:
    """Refuse a version at whose moment another one takes effect, unless that is the one it replaces."""
    other = present.get(_key(version))
    name = version.policy
    if change.replaces is None:
        if change.cancels:
            raise PolicyRefused(f"{name}: name the version to cancel", policy=name, field="replaces")
        if other is not None and not other.cancels:
            raise PolicyRefused(
                f"{name}: version {other.id} takes effect at the same place and moment,"
                f" {other.effective_from.isoformat(timespec='seconds')}; choose another moment, or cancel or replace that version",
                policy=name,
                field="effective_from",
                other=other.id,
                is_conflict=True,
            )
        if other is not None:
            version.replaces = other.id
        return
    replaced = present.get(change.replaces)
    if replaced is None or place_of(replaced) != place_of(version):
        raise PolicyRefused(
            f"{name} has no version {change.replaces} at {_label(session, version)}", policy=name, field="replaces"
        )
    if replaced.effective_from <= now:
        raise PolicyRefused(
            f"{name}: version {replaced.id} is in force since {replaced.effective_from.isoformat(timespec='seconds')};"
            " only what is still to come can be replaced or cancelled: set another value instead",
            policy=name,
            field="replaces",
            other=replaced.id,
            is_conflict=True,
        )
    if other is None or other.id != replaced.id:
        latest = next((each for each in present.values() if each.replaces == replaced.id), None)
        if latest is not None:
            raise PolicyRefused(
                f"{name}: version {latest.id} has replaced version {replaced.id} already",
                policy=name,
                field="replaces",
                other=latest.id,
                is_conflict=True,
            )
        raise PolicyRefused(
            f"{name}: what replaces version {replaced.id} takes effect when it would have,"
            f" {replaced.effective_from.isoformat(timespec='seconds')}",
            policy=name,
            field="effective_from",
            other=replaced.id,
        )


def _key(version: PolicyVersion) -> Key:
    return version.policy, place_of(version).key, version.effective_from


def _label(session: Session, version: PolicyVersion) -> str:
    where = place_of(version)
    return label_of(where, named(session, [where]))


def _told(version: PolicyVersion | None) -> dict[str, Any] | None:
    """Write a version as the audit trail keeps it."""
    if version is None:
        return None
    told: dict[str, Any] = {
        "version": version.id,
        "value": version.value,
        "effective_from": version.effective_from.isoformat(),
    }
    told |= {part: getattr(version, part) for part in PARTS if getattr(version, part) is not None}
    told |= {"condition": version.condition} if version.condition else {}
    return told


def _audited_entity(session: Session, version: PolicyVersion) -> int | None:
    """Return the entity a row of the trail is kept under: the version's, where the transaction may write there."""
    return version.entity_id if version.entity_id in context(session).entities else None
