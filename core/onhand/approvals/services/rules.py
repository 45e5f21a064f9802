"""Rules, and changing them: itself a change that rules may demand consent for."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.models import Role
from onhand.actors import Actor
from onhand.approvals.kinds import Applied, Approval, ApprovalRequest, Change, NotApplied
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.asking import ask
from onhand.approvals.services.outcomes import Asked, Refused
from onhand.approvals.services.rows import kinds_of
from onhand.contributions import ApprovalKind
from onhand.transaction import context

__all__ = ["RULES", "NewRule", "RuleChange", "RuleRefused", "change_rules", "checked_rules", "rules", "said"]

TIER_MAX = 9
ID_MAX = 2**31 - 1
NUMBER_MAX = 2**63 - 1


class RuleRefused(Exception):
    """A rule that cannot be: an unknown kind or role, a threshold below zero. `field` is what to mend."""

    def __init__(self, field: str, detail: str) -> None:
        self.field = field
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class NewRule:
    """From an amount or a quantity on (inclusive; either suffices; neither: always), a role must agree in its turn.

    A location is named by its code, its id or both; none: everywhere in the entity. `field`: one of the kind's; none: all
    that have no rule of their own.
    """

    kind: str
    role: str
    tier: int = 1
    location_id: int | None = None
    location: str | None = None
    amount_from_minor: int | None = None
    currency: str | None = None
    quantity_from: int | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Rules to add and to retire at one place, an entity or the whole group, as one change: all of it or nothing."""

    key: str
    entity_id: int | None
    add: tuple[NewRule, ...] = ()
    retire: tuple[int, ...] = ()
    note: str | None = None


def rules(session: Session, *, kind: str | None = None) -> list[ApprovalRule]:
    """Return the rules in force within scope, the group's included, by kind and place."""
    query = select(ApprovalRule).where(ApprovalRule.retired_at.is_(None))
    if kind is not None:
        query = query.where(ApprovalRule.kind == kind)
    order = (ApprovalRule.kind, ApprovalRule.entity_id, ApprovalRule.location_id, ApprovalRule.tier, ApprovalRule.id)
    return list(session.scalars(query.order_by(*order)))


def change_rules(session: Session, changes: Sequence[RuleChange], *, by: Actor, now: datetime) -> list[Asked | Refused]:
    """Change rules: at once, or after consent where the rules for `approvals.rules` demand it.

    RuleRefused for a rule that cannot be. Requests that wait already keep the consents they were asked for.
    """
    requests = []
    for wish in changes:
        change, retired = checked_rules(session, wish)
        kinds = sorted({rule.kind for rule in change.add} | {rule.kind for rule in retired})
        lines = [Change(f"Rule {rule.id}", said(rule), "retired") for rule in retired]
        requests.append(
            ApprovalRequest(
                kind=RULES.name, key=change.key, entity_id=change.entity_id, title=f"Rules for {', '.join(kinds)}",
                changes=(*lines, *(Change("New rule", None, said(rule)) for rule in change.add)), note=change.note,
                payload={"add": [asdict(rule) for rule in change.add], "retire": list(change.retire)},
            )
        )  # fmt: skip
    return ask(session, requests, by=by, now=now)


def checked_rules(session: Session, change: RuleChange) -> tuple[RuleChange, Sequence[ApprovalRule]]:
    """Return a change with the locations of its rules filled in, and the rules it retires; RuleRefused as it would be."""
    _check(session, change.add)
    retired = _live(session, change.retire, change.entity_id)
    if missing := sorted(set(change.retire) - {rule.id for rule in retired}):
        raise RuleRefused("retire", f"no rule {', '.join(map(str, missing))} is in force at this place")
    return replace(change, add=tuple(_placed(session, change.entity_id, rule) for rule in change.add)), retired


def _placed(session: Session, entity_id: int | None, rule: NewRule) -> NewRule:
    """Return a rule with both the id and the code of its location, where it has one."""
    if rule.location is None and rule.location_id is None:
        return rule
    if entity_id is None:
        raise RuleRefused("location", "a location belongs to an entity: name that, or leave the location out")
    scope = context(session).addons.policy_scopes.get("location")
    if scope is None:
        if rule.location_id is None:
            raise RuleRefused("location", "no installed add-on knows locations by their code: give location_id")
        return rule
    found = list(
        scope.by_id(session, [rule.location_id]).values()
        if rule.location is None and rule.location_id is not None
        else scope.by_code(session, [rule.location or ""]).values()
    )
    here = [part for part in found if part.entity_id == entity_id and rule.location_id in (None, part.id)]
    if not here:
        raise RuleRefused("location", f"there is no location {rule.location or rule.location_id!r} in this entity")
    return replace(rule, location_id=here[0].id, location=here[0].code)


def _apply(session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime) -> list[Applied | NotApplied]:
    outcomes: list[Applied | NotApplied] = []
    for approval in approvals:
        entity_id, payload = approval.request.entity_id, approval.request.payload
        live = _live(session, payload["retire"], entity_id, lock=True)
        if gone := set(payload["retire"]) - {rule.id for rule in live}:
            outcomes.append(NotApplied(f"rule {', '.join(map(str, sorted(gone)))} was retired meanwhile; ask anew"))
            continue
        for rule in live:
            audit.record(
                session, by, "approval_rule.retire", f"approval_rule:{rule.id}", _facts(rule), None,
                approval.request.note, entity_id,
            )  # fmt: skip
        session.execute(update(ApprovalRule).where(ApprovalRule.id.in_(payload["retire"])).values(retired_at=now))
        added = [
            ApprovalRule(entity_id=entity_id, recorded_at=now, actor=approval.requester.ref, **given)
            for given in payload["add"]
        ]
        session.add_all(added)
        session.flush()
        for rule in added:
            audit.record(
                session, by, "approval_rule.add", f"approval_rule:{rule.id}", None, _facts(rule), approval.request.note,
                entity_id,
            )  # fmt: skip
        outcomes.append(Applied(href=None))
    return outcomes


RULES = ApprovalKind("approvals.rules", "Change of approval rules", "approvals.edit", apply=_apply)
"""Who may approve what is itself a matter for four eyes, where a rule says so."""


def _live(session: Session, ids: Iterable[int], entity_id: int | None, *, lock: bool = False) -> Sequence[ApprovalRule]:
    query = select(ApprovalRule).where(
        ApprovalRule.id.in_([id_ for id_ in ids if 0 < id_ <= ID_MAX]),
        ApprovalRule.retired_at.is_(None),
        ApprovalRule.entity_id.is_not_distinct_from(entity_id),
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(query.order_by(ApprovalRule.id)).all()


def _check(session: Session, given: Sequence[NewRule]) -> None:
    kinds, roles = kinds_of(session), set(session.scalars(select(Role.code)))
    for rule in given:
        if rule.kind not in kinds:
            raise RuleRefused("kind", f"there is no kind {rule.kind!r}; there are: {', '.join(sorted(kinds))}")
        if rule.field is not None and rule.field not in dict(kinds[rule.kind].fields):
            have = ", ".join(name for name, _ in kinds[rule.kind].fields) or "none"
            raise RuleRefused("field", f"{rule.kind} has no field {rule.field!r}; it has: {have}")
        if rule.role not in roles:
            raise RuleRefused("role", f"there is no role {rule.role!r}; there are: {', '.join(sorted(roles))}")
        if not 1 <= rule.tier <= TIER_MAX:
            raise RuleRefused("tier", f"a tier is from 1 to {TIER_MAX}, not {rule.tier}")
        for field in ("amount_from_minor", "quantity_from"):
            value = getattr(rule, field)
            if value is not None and not 0 <= value <= NUMBER_MAX:
                raise RuleRefused(field, f"a threshold is from 0 to {NUMBER_MAX}, not {value}")
        if (rule.amount_from_minor is None) != (rule.currency is None):
            raise RuleRefused("currency", "an amount needs its currency, and a currency an amount")


def said(rule: ApprovalRule | NewRule, label: str | None = None) -> str:
    """Return a rule as people read it; `label` is what its kind is called."""
    thresholds = [
        f"{rule.quantity_from} {'unit' if rule.quantity_from == 1 else 'units'}"
        if rule.quantity_from is not None
        else "",
        f"{rule.amount_from_minor} {rule.currency} (minor units)" if rule.amount_from_minor is not None else "",
    ]
    where = f" at {rule.location or rule.location_id}" if rule.location_id is not None else ""
    begin = " or ".join(filter(None, thresholds))
    field = f", {rule.field}" if rule.field is not None else ""
    return (
        f"{label or rule.kind}{field}{where}: {f'from {begin}' if begin else 'always'}, tier {rule.tier}: {rule.role}"
    )


def _facts(rule: ApprovalRule) -> dict[str, Any]:
    return {
        "kind": rule.kind, "location_id": rule.location_id, "amount_from_minor": rule.amount_from_minor,
        "currency": rule.currency, "quantity_from": rule.quantity_from, "tier": rule.tier, "role": rule.role,
        "field": rule.field,
    }  # fmt: skip
