"""Who asks, where they may set policies, and what a refusal becomes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from onhand import clocks, problems
from onhand.access import principal
from onhand.contributions import PolicyType
from onhand.policies.book import Where
from onhand.policies.services import PolicyRefused, policy_type
from onhand.problems import Problem
from onhand.web.formats import sentence

__all__ = ["demand_may_set", "known_type", "may_set", "may_set_somewhere", "moment", "problem_of"]


def known_type(session: Session, name: str) -> PolicyType:
    """Return the type of a policy; NotFound for one that no add-on contributes."""
    try:
        return policy_type(session, name)
    except PolicyRefused:
        raise problems.NotFound(f"there is no policy {name!r}") from None


def may_set(where: Where) -> bool:
    """Say whether the one who asks may set policies at a place: the group's needs the permission for the whole group."""
    known = principal()
    if where.entity_id is None:
        return known.may_in_group("policies.edit")
    if not known.may("policies.edit", where.entity_id):
        return False
    places = known.locations("policies.edit", where.entity_id)
    return places is None or (where.location_id is not None and where.location_id in places)


def may_set_somewhere(entity_id: int) -> bool:
    """Say whether there is anything in an entity that the one who asks may set: draw a button or not."""
    return principal().may("policies.edit", entity_id)


def demand_may_set(where: Where) -> None:
    """Forbid what the one who asks may not set."""
    if not may_set(where):
        place = "for the whole group" if where.entity_id is None else "there"
        raise problems.Forbidden(f"this needs the permission policies.edit {place}", permission="policies.edit")


def problem_of(refused: PolicyRefused, fields: Mapping[str, str] | None = None) -> Problem:
    """Return the problem a refusal becomes over REST: it names the field, and the version in the way if there is one."""
    field = (fields or {}).get(refused.field, refused.field)
    if refused.field == "policy":
        return problems.NotFound(str(refused))
    kind = problems.Conflict if refused.is_conflict else problems.Invalid
    extra: dict[str, Any] = {"version": refused.other} if refused.other is not None else {}
    return kind(str(refused), errors=[problems.field_error(field, str(refused))], **extra)


def moment(text: str, zone: str) -> datetime | None:
    """Return the moment that a field was filled with, by an entity's clock, None for none; or PolicyRefused."""
    try:
        return clocks.moment(text, zone) if text.strip() else None
    except clocks.NoMoment as wrong:
        raise PolicyRefused(sentence(wrong), field="effective_from") from None
