"""Who asks, what is in their reach, and what a refusal becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, principal, scope
from onhand.approvals import queries, services
from onhand.approvals.kinds import Amendment
from onhand.approvals.services.deciding import may_decide
from onhand.approvals.services.outcomes import Asked, Decided, Refused
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import approvers_of, kinds_of
from onhand.contributions import ApprovalKind
from onhand.transaction import context

__all__ = [
    "ApprovalChanged", "ApprovalSettled", "NotYours", "ask_instead", "carried", "judged", "locations_to_choose", "reader",
    "require_done", "seen",
]  # fmt: skip


READ = "approvals.read"


class ApprovalChanged(problems.Conflict):
    """The approval has moved on since it was seen: look at `version` and `changes`, and decide on those."""

    type, title = "approval-changed", "This approval has moved on"


class ApprovalSettled(problems.Conflict):
    """The approval is decided or withdrawn already, or its effect is not possible as things are."""

    type, title = "approval-settled", "This approval cannot be decided"


class NotYours(problems.Conflict):
    """Another person must decide: `why` says whether it is one's own, counted already, or not within one's authority."""

    type, title = "approval-not-yours", "This is for another person to decide"


PROBLEMS: dict[str, type[problems.Problem]] = {
    "unknown": problems.NotFound, "unknown_kind": problems.NotFound,
    "changed": ApprovalChanged, "outdated": ApprovalChanged,
    "settled": ApprovalSettled, "not_applied": ApprovalSettled, "reason": ApprovalSettled, "key_reused": problems.Conflict,
    "own_request": NotYours, "no_authority": NotYours, "counted_already": NotYours, "nobody": NotYours,
    "not_yours": NotYours, "bulk_limit": NotYours,
}  # fmt: skip


def reader(session: Session, now: datetime) -> queries.Reader:
    """Return who asks, with the entities of this request and the locations of each that they may see."""
    known = principal()
    places = {entity_id: known.locations(READ, entity_id) for entity_id in scope()}
    return queries.reader_of(
        session, places, sees_group=known.may_in_group(READ), person=person_of(session, actor()), now=now
    )


def seen(session: Session, who: queries.Reader, approval_id: UUID) -> Any:
    """Return an approval within reach; NotFound otherwise, whatever else it may be."""
    row = queries.one(session, who, approval_id)
    if row is None:
        raise problems.NotFound("there is no such approval here")
    return row


def judged(session: Session, who: queries.Reader, rows: Sequence[Any]) -> Mapping[UUID, Refused | None]:
    """Return per approval why this person may not decide it; None: they may."""
    return may_decide(rows, approvers_of(session, rows), kinds_of(session), who.powers, who.person)


def carried(kinds: Mapping[str, ApprovalKind], row: Any) -> Refused | None:
    """Return why a token may not decide: it must carry the kind's permission itself, whatever its owner holds."""
    known, kind = principal(), kinds.get(row.kind)
    if known.actor.kind != "token" or kind is None:
        return None
    held = (
        known.may_in_group(kind.permission)
        if row.entity_id is None
        else known.may(kind.permission, row.entity_id, row.location_id)
    )
    return (
        None if held else Refused("no_authority", f"this token does not carry {kind.permission}", row.id, row.version)
    )


def require_done(outcome: Asked | Decided | Refused) -> None:
    """Turn a refusal into its problem, with the numbers."""
    if not isinstance(outcome, Refused):
        return
    kind = PROBLEMS.get(outcome.why)
    if kind is None:
        field = "reason" if "reason" in outcome.detail else "version"
        raise problems.Invalid(outcome.detail, errors=[problems.field_error(field, outcome.detail)])
    extra: dict[str, Any] = {} if issubclass(kind, problems.NotFound) else {"why": outcome.why}
    if outcome.version is not None and issubclass(kind, problems.Conflict):
        extra["version"] = outcome.version
    if outcome.now is not None:
        extra |= {
            "changes": [asdict(change) for change in outcome.now.changes],
            "quantity": outcome.now.quantity,
            "amount_minor": outcome.now.amount_minor,
        }
    raise kind(outcome.detail, **extra)


def locations_to_choose(
    session: Session, entity_id: int | None, permission: str | None = None
) -> list[tuple[str, str]]:
    """Return the locations of an entity as a form offers them; none where there are too many to list, or nobody knows any.

    With a permission only those at which whoever asks holds it.
    """
    found = context(session).addons.policy_scopes.get("location")
    if found is None or entity_id is None:
        return []
    places = None if permission is None else principal().locations(permission, entity_id)
    return [
        (part.code, f"{part.name} ({part.code})")
        for part in found.choices(session, entity_id)
        if places is None or part.id in places
    ]


def ask_instead(session: Session, row: Any, version: int, wanted: Amendment, now: datetime) -> Asked | Refused:
    """Ask for something else in place of an approval of one's own, within what one may ask for."""
    kind = kinds_of(session).get(row.kind)
    asks = kind.asks if kind is not None else None
    places = () if asks is None or row.entity_id is None else principal().locations(asks, row.entity_id)
    wish = services.Amend(row.id, version, wanted, places)
    return services.amend(session, [wish], by=actor(), now=now)[0]
