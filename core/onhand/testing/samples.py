"""Samples: one of everything that an address can name, for checks that try every address of an application.

An add-on contributes them from its `testing` module: `samples(session, now, place)` makes them, and
`observed_samples(session, now, place)` finds those that observers made of the others' events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onhand.access.services import NewUser, create_users
from onhand.actors import Actor
from onhand.addons import Addon
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.delegating import NewDelegation, delegate
from onhand.approvals.services.outcomes import Asked
from onhand.approvals.services.rules import RULES, NewRule, RuleChange, change_rules
from onhand.audit import Audit, record
from onhand.ids import uuid7
from onhand.testing.people import TESTER, Entity

__all__ = ["Place", "Sample", "samples_of"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What stands for a variable of an address, `value` as the address writes it.

    `of_group`: it belongs to no entity, so that all of them find it. `at_location`: who may look at other locations
    alone does not find it. `needs`: to find it takes this permission besides that of the address.
    """

    value: str
    of_group: bool = False
    at_location: bool = False
    needs: str | None = None


@dataclass(slots=True)
class Place:
    """Where samples are to be made. Whatever has a free name is called `text`; `things` is for add-ons that follow.

    `location_id` is set by the add-on that owns locations.
    """

    entity: Entity
    text: str
    location_id: int | None = None
    things: dict[str, Any] = field(default_factory=dict)


def samples_of(
    session: Session, now: datetime, addons: Iterable[Addon], place: Place, *, observed: bool = False
) -> dict[str, Sample]:
    """Make the samples of the core and of add-ons, requirements first; `observed`: find those made by observers.

    Keys are `segment/variable`: the segment of the address before the variable, and the variable's name, as in
    `locations/code` for `/api/v1/locations/<code>`. A key `?/channels/<code>/event` gives the query that this address
    needs.
    """
    found = {} if observed else _core(session, now, place)
    name = "observed_samples" if observed else "samples"
    for addon in addons:
        module = f"{addon.package}.testing"
        contribute = getattr(import_module(module), name, None) if find_spec(module) else None
        if contribute is not None:
            made: Mapping[str, Sample] = contribute(session, now, place)
            found |= made
    return found


def _core(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    record(session, TESTER, "sample.make", "sample:1", after={"name": place.text}, entity_id=place.entity.id)
    session.flush()
    row = session.scalar(select(func.max(Audit.id)).where(Audit.entity_id == place.entity.id))
    return {
        **_approvals(session, now, place),
        "reasons/code": Sample("damage", of_group=True),
        "apps/noun": Sample("exceptions", of_group=True),
        "apps/entity_id": Sample(str(place.entity.id)),
        "audit/audit_id": Sample(str(row)),
        "blocks/number": Sample("1", of_group=True),
        "executive/name": Sample("stock.shortages", of_group=True, needs="stock.read"),
        "policies/name": Sample("reservations.buffer", of_group=True),
        "profiles/profile": Sample("luxury", of_group=True),
        "problems/slug": Sample("not-found", of_group=True),
        "static/filename": Sample("onhand/onhand.css", of_group=True),
    }


def _approvals(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A rule that demands consent to changes of rules, a change that waits for it, and someone who stands in."""
    rule = NewRule(RULES.name, "governance")
    keys = [str(uuid7()), str(uuid7())]
    for key in keys:
        [asked] = change_rules(session, [RuleChange(key, place.entity.id, add=(rule,))], by=TESTER, now=now)
    assert isinstance(asked, Asked)
    first, second = create_users(
        session, [NewUser(f"sample-{uuid7().hex[-16:]}", place.text) for _ in range(2)], by=TESTER, now=now
    )
    person = Actor("user", first.id, first.name, first.id)
    [stands_in] = delegate(session, [NewDelegation(second.id, now + timedelta(days=1))], by=person, now=now)
    rule_id = session.scalar(select(func.max(ApprovalRule.id)).where(ApprovalRule.entity_id == place.entity.id))
    return {
        "approvals/approval_id": Sample(str(asked.id)),
        "rules/rule_id": Sample(str(rule_id)),
        "delegation/delegation_id": Sample(str(stands_in.id), of_group=True),
        "delegations/delegation_id": Sample(str(stands_in.id), of_group=True),
    }
