"""Switch add-ons on and off per entity: plan first, then change. Data is kept on disabling."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

import structlog
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.addons.models import Enablement, Entity
from onhand.addons.registry import Addons
from onhand.addons.timeline import Enablement as Row
from onhand.addons.timeline import State, Timeline, enablements
from onhand.contributions import Obligation
from onhand.db import take_turn
from onhand.events import AddonEnabled
from onhand.outbox import publish
from onhand.transaction import context

__all__ = ["Change", "ChangeRefused", "Plan", "change", "create_entity", "drain_again", "plan_change", "switches_of"]

logger = structlog.get_logger(__name__)

RANK: dict[State, int] = {"disabled": 0, "draining": 1, "enabled": 2}
"""What an add-on requires must be up at least as far as it is itself."""
SWITCHED = (
    ("menu", "label"),
    ("permissions", "name"),
    ("policies", "name"),
    ("exception_kinds", "name"),
    ("schedules", "name"),
    ("loops", "name"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """A wish: this add-on, for this entity, in this state from then on."""

    entity_id: int
    addon: str
    state: State
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change would do: the contributions it switches, what it needs, and why it is refused, if it is."""

    change: Change
    switches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    obligations: tuple[Obligation, ...] = ()


class ChangeRefused(Exception):
    """A change of enablement that its plan does not allow."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = tuple(plans)
        super().__init__("; ".join(reason for plan in plans for reason in plan.refusals))


def plan_change(session: Session, wish: Change, *, now: datetime) -> Plan:
    """Return what a change would switch on or off, and every reason against it. Writes nothing.

    The entity must be in the transaction's scope: what is open there is asked. Changes that are scheduled already count:
    nothing may come to be enabled at any time while what it needs is not. What does not run any more can be disabled.
    """
    transaction = context(session)
    addons = transaction.addons
    if wish.entity_id not in transaction.entities:
        raise ValueError(f"entity {wish.entity_id} is not in this transaction's scope, so what is open is not seen")
    at = max(wish.effective_from or now, now)
    rows = [row for row in enablements(session) if row[0] == wish.entity_id]
    if wish.addon not in addons.names:
        if wish.state == "disabled" and any(row[1] == wish.addon for row in rows):
            return Plan(wish)  # what is gone can be asked nothing, and nobody can build on it
        return Plan(wish, refusals=(f"there is no add-on {wish.addon!r}; installed: {', '.join(addons.names)}",))
    found = _clashes(addons, [*rows, (wish.entity_id, wish.addon, wish.state, at)], wish, at)
    refusals = [_reason(wish, clash, at) for clash in found]
    obligations: tuple[Obligation, ...] = ()
    if wish.state == "disabled":
        obligations = _obligations(session, addons, wish, now)
        is_draining = Timeline(rows).state(wish.entity_id, wish.addon, at) == "draining"
        refusals += [_still_open(duty, is_draining=is_draining) for duty in obligations if duty.count]
    needs = tuple(clash.requirement for clash in found if clash.dependant == wish.addon and clash.at == at)
    return Plan(wish, switches_of(addons, wish.addon), needs, tuple(refusals), obligations)


def _still_open(duty: Obligation, *, is_draining: bool) -> str:
    advice = (
        "it is draining, so wait for them to end, or end them" if is_draining else "let it drain first, or end them"
    )
    where = f", see {duty.href}" if duty.href else ""
    return f"{duty.count} {duty.label} still open: {advice}{where}"


def change(session: Session, wishes: Sequence[Change], *, by: Actor, now: datetime) -> list[Plan]:
    """Carry out changes of enablement in the order given; raise ChangeRefused, and change nothing, if any is refused.

    Each takes effect at its `effective_from`, at once when that is None or past; an add-on that is in that state then
    anyway is left alone. Enabling tells `addon_enabled`. Two who change at once take turns, so that neither takes away
    what the other builds on.
    """
    take_turn(session, "onhand.enablement")
    plans: list[Plan] = []
    for wish in wishes:
        plan = plan_change(session, wish, now=now)
        plans.append(plan)
        if plan.refusals:
            raise ChangeRefused(plans)
        at = max(wish.effective_from or now, now)
        if Timeline(enablements(session)).state(wish.entity_id, wish.addon, at) != wish.state:
            _record(session, wish, at, by, now)
    return plans


def _record(session: Session, wish: Change, at: datetime, by: Actor, now: datetime) -> None:
    session.add(
        Enablement(
            entity_id=wish.entity_id,
            addon=wish.addon,
            state=wish.state,
            effective_from=at,
            recorded_at=now,
            actor=by.ref,
        )
    )
    session.flush()
    if wish.state == "enabled":
        publish(session, AddonEnabled(wish.entity_id, wish.addon), at=at)


def drain_again(session: Session, entity_id: int, *, by: Actor, now: datetime) -> list[str]:
    """Let what was disabled for an entity with work open run out after all: it drains, with what it requires.

    What began in the very moment of a change, or between planning it and its time, is not seen by it. Return the add-ons
    that drain now. Those that do not run are left alone. Twice is harmless: what drains is not disabled.
    """
    addons = context(session).addons
    down = _disabled(session, entity_id, now)
    open_there = [
        noun
        for noun in down
        if noun in addons.implementers("open_obligations")
        and not addons.is_held(noun)
        and _has_open(session, noun, entity_id, now)
    ]
    if not open_there:
        return []
    needed = set(open_there)
    for noun in reversed(addons.names):  # requirements come first, so those of requirements are found too
        if noun in needed:
            needed.update(addons.addon(noun).requires)
    drained = [noun for noun in addons.names if noun in needed and noun in down]
    change(session, [Change(entity_id, noun, "draining") for noun in drained], by=by, now=now)
    logger.warning(
        "addon_drains_again", entity=entity_id, addons=drained, reason="it was disabled with work still open"
    )
    return drained


def _disabled(session: Session, entity_id: int, now: datetime) -> list[str]:
    """Return the add-ons that were on for an entity once and are not now."""
    rows = [row for row in enablements(session) if row[0] == entity_id and row[3] <= now]
    timeline = Timeline(rows)
    return sorted(noun for noun in {row[1] for row in rows} if timeline.state(entity_id, noun, now) == "disabled")


def _has_open(session: Session, noun: str, entity_id: int, now: datetime) -> bool:
    duties = context(session).addons.gather_from(
        noun, "open_obligations", session=session, entity_id=entity_id, now=now
    )
    return any(duty.count for duty in duties)


def create_entity(session: Session, entity: Entity) -> Entity:
    """Add a legal entity. Nothing is enabled for it yet."""
    session.add(entity)
    session.flush()
    return entity


@dataclass(frozen=True, slots=True)
class _Clash:
    """From a time on an add-on would run without what it requires."""

    dependant: str
    state: State
    requirement: str
    at: datetime


def _clashes(addons: Addons, rows: Sequence[Row], wish: Change, at: datetime) -> list[_Clash]:
    """Return each way in which the wished add-on and its neighbours would not go together, at its first moment."""
    timeline = Timeline(sorted(rows, key=itemgetter(3)))
    pairs = [(wish.addon, noun) for noun in addons.addon(wish.addon).requires]
    pairs += [(noun, wish.addon) for noun in addons.dependants(wish.addon)]
    found: dict[tuple[str, str], _Clash] = {}
    for moment in sorted({at, *(row[3] for row in rows if row[3] > at)}):
        for dependant, requirement in pairs:
            state = timeline.state(wish.entity_id, dependant, moment)
            below = timeline.state(wish.entity_id, requirement, moment)
            if RANK[below] < RANK[state]:
                found.setdefault((dependant, requirement), _Clash(dependant, state, requirement, moment))
    return list(found.values())


def _reason(wish: Change, clash: _Clash, at: datetime) -> str:
    when = "at that time" if clash.at == at else f"from {clash.at:%Y-%m-%d %H:%M} UTC on"
    if clash.dependant == wish.addon:
        return f"{wish.addon} needs {clash.requirement}, which is not {clash.state} for this entity {when}"
    if clash.at == at:
        return f"{clash.dependant} is {clash.state} for this entity and needs {wish.addon}: disable it first"
    return f"{clash.dependant} is to be {clash.state} for this entity {when} and needs {wish.addon}"


def _obligations(session: Session, addons: Addons, wish: Change, now: datetime) -> tuple[Obligation, ...]:
    owners = addons.gather_by_addon("open_obligations", session=session, entity_id=wish.entity_id, now=now)
    return tuple(dict(owners).get(wish.addon, ()))


def switches_of(addons: Addons, noun: str) -> dict[str, tuple[str, ...]]:
    """Name what an add-on contributes, so that a person sees what the change reaches."""
    switched: dict[str, tuple[str, ...]] = {}
    for hook, attribute in SWITCHED:
        names = [
            getattr(thing, attribute)
            for owner, things in addons.gather_by_addon(hook)
            if owner == noun
            for thing in things
        ]
        if names:
            switched[hook] = tuple(names)
    return switched
