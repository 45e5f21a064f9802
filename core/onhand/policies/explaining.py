"""Why a policy has the value it has: the version that decided, and what it overrode."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access import actor_names
from onhand.contributions import PolicyType, PolicyValue
from onhand.policies.book import Where
from onhand.policies.models import PolicyVersion
from onhand.policies.places import PlaceNames, label_of, named
from onhand.policies.services import policy_type
from onhand.policies.values import stored
from onhand.transaction import context

__all__ = ["Step", "Why", "author_names", "why"]


@dataclass(frozen=True, slots=True)
class Step:
    """A version in force at a place that covers the one asked for; without `version` it is the type's default."""

    value: PolicyValue
    where: Where | None
    place: str
    version: int | None = None
    effective_from: datetime | None = None
    recorded_at: datetime | None = None
    by: str | None = None
    reason: str | None = None
    condition: str | None = None
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Why:
    """The value at a place and time, the step that decided it, and the steps it overrode or passed over, in order."""

    kind: PolicyType
    where: Where
    place: str
    at: datetime
    decided: Step
    overridden: tuple[Step, ...]
    passed_over: tuple[Step, ...]

    @property
    def value(self) -> PolicyValue:
        """The value in force."""
        return self.decided.value


def why(
    session: Session, name: str, where: Where, *, at: datetime, facts: Mapping[str, Any] | None = None
) -> Why:  # fmt: skip
    """Return why a policy has its value at a place and time: version, scope, since when, who set it, what it overrode.

    Versions whose condition does not hold for `facts` are told as passed over. The type's default comes last.
    """
    kind = policy_type(session, name)
    found = list(context(session).policies.in_force(name, where.key, at, facts))
    ids = [each.setting.version for each in found if each.setting.version is not None]
    versions = {row.id: row for row in session.scalars(select(PolicyVersion).where(PolicyVersion.id.in_(ids)))}
    places = [Where(*each.place) for each in found]
    names = named(session, [*places, where])
    people = author_names(session, {row.actor for row in versions.values()})
    steps = [
        _step(kind, versions[each.setting.version or 0], place, each.holds, names, people)
        for each, place in zip(found, places, strict=True)
    ]
    default = Step(kind.default, None, "the default")
    holding = [*(step for step in steps if step.holds), default]
    return Why(
        kind=kind,
        where=where,
        place=label_of(where, names),
        at=at,
        decided=holding[0],
        overridden=tuple(holding[1:]),
        passed_over=tuple(step for step in steps if not step.holds),
    )


def author_names(session: Session, refs: Collection[str]) -> dict[str, str]:
    """Return what people call authors; the system's are called by what they do."""
    names = {ref: ref.removeprefix("system:").removeprefix("cli:") for ref in refs if ref.startswith("system:")}
    return names | actor_names(session, refs)


def _step(
    kind: PolicyType,
    version: PolicyVersion,
    where: Where,
    is_true: bool,
    names: PlaceNames,
    people: Mapping[str, str],
) -> Step:
    return Step(
        value=stored(kind, version.value),
        where=where,
        place=label_of(where, names),
        version=version.id,
        effective_from=version.effective_from,
        recorded_at=version.recorded_at,
        by=people.get(version.actor, version.actor),
        reason=version.reason,
        condition=version.condition,
        holds=is_true,
    )
