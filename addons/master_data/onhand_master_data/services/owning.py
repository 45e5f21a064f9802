"""Who owns which field: the rules for approvals of `master_data.…` say so, and naming an owner changes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from onhand.access.models import Role
from onhand.actors import Actor
from onhand.approvals.api import Asked
from onhand.approvals.api import Refused as ApprovalRefused
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.services.rules import NewRule, RuleChange, RuleRefused, change_rules, rules
from onhand.approvals.services.weighing import RuleBook, kind_and_field
from onhand.ids import uuid7
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services.wishes import CLASSES, FIELDS

__all__ = ["FIELD_NAMES", "NewOwner", "Owner", "name_owners", "owners", "role_names"]

FIELD_NAMES = {
    name: label
    for kind, whole in CLASSES.items()
    for name, label in ((kind, whole), *((f"{kind}.{part}", f"{whole}: {label}") for part, label in FIELDS[kind]))
}
"""What may have an owner: a class of data as a whole, or a field of it that has another."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who must agree to a change of a field, in their order, and where that is said.

    `place`: `entity`, `group`, or `shipped` where nobody has set a rule; `own`: of this field, not of its whole class.
    """

    field: str
    label: str
    roles: tuple[str, ...]
    place: str
    own: bool


@dataclass(frozen=True, slots=True)
class NewOwner:
    """The role that owns a field, in an entity or (None) the whole group; without a role, whoever owns its class does."""

    field: str
    role: str | None
    entity_id: int | None


def owners(session: Session, entity_id: int | None) -> list[Owner]:
    """Return who owns each field of an entity; without one, of what concerns several of them."""
    return list(_owners(session, entity_id))


def name_owners(
    session: Session, wishes: Sequence[NewOwner], *, note: str | None = None, by: Actor, now: datetime
) -> list[Asked]:
    """Name owners, all or none: each takes the place of whoever was named for the same field at the same place.

    It is a change of the rules for approvals, so where those demand it, it waits for consent itself. What waits already
    keeps the consents it was asked for. Refused names the field that cannot be.
    """
    answers: list[Asked] = []
    for index, wish in enumerate(wishes):
        try:
            [answer] = change_rules(session, [_change(session, wish, note)], by=by, now=now)
        except RuleRefused as refused:
            raise Refused([FieldError(index, refused.field, str(refused))]) from None
        if isinstance(answer, ApprovalRefused):
            raise Refused([FieldError(index, "role", answer.detail)])
        answers.append(answer)
    return answers


def role_names(session: Session) -> list[tuple[str, str]]:
    """Return code and name of every role that may own a field, by name."""
    return [(code, name) for code, name in session.execute(select(Role.code, Role.name).order_by(Role.name))]


def _owners(session: Session, entity_id: int | None) -> Iterator[Owner]:
    kinds = kinds_of(session)
    book = RuleBook.read(session, {f"master_data.{name}" for name in CLASSES})
    for name, label in FIELD_NAMES.items():
        held = book.holding(kinds, f"master_data.{name}", entity_id)
        roles = dict.fromkeys(one.role for one in sorted(held, key=lambda one: (one.tier, one.role)))
        said = held[0] if held and isinstance(held[0], ApprovalRule) else None
        place = "shipped" if said is None else "group" if said.entity_id is None else "entity"
        own = "." not in name or (said is not None and said.field is not None)
        yield Owner(name, label, tuple(roles), place, own)


def _change(session: Session, wish: NewOwner, note: str | None) -> RuleChange:
    if wish.field not in FIELD_NAMES:
        raise RuleRefused("field", f"there is no field {wish.field!r}; there are: {', '.join(FIELD_NAMES)}")
    kind, field = kind_and_field(kinds_of(session), f"master_data.{wish.field}")
    gone = [
        rule
        for rule in rules(session, kind=kind)
        if (rule.field, rule.entity_id, rule.location_id) == (field, wish.entity_id, None)
    ]
    if wish.role is None and not gone:
        raise RuleRefused("role", "nobody is named for this field at this place: choose the role that shall own it")
    add = (NewRule(kind, wish.role, field=field),) if wish.role is not None else ()
    return RuleChange(str(uuid7()), wish.entity_id, add, tuple(rule.id for rule in gone), note)
