"""What the one who asks may reach, and what a refusal becomes."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from flask import jsonify
from onhand import problems
from onhand.access import actor, in_scope, principal, scope
from onhand.contributions import Importer, ImportReport
from onhand.rehearsal import rehearse
from onhand.transaction import context, run
from sqlalchemy.orm import Session

from onhand_master_data import queries, services
from onhand_master_data.listings import Reach
from onhand_master_data.refusals import FieldError, NotAuthoritative, Refused
from onhand_master_data.services import Requested, Terms
from onhand_master_data.values import Item, Location

__all__ = [
    "answered", "as_problem", "attempt_import", "change", "demand_whole_entities", "everywhere", "known_item", "may_edit",
    "may_rule", "reach", "report", "reported", "taken_apart", "within_reach",
]  # fmt: skip

T = TypeVar("T")


def reach(permission: str = "master_data.read") -> Reach:
    """Return the entities of this request, and the locations of each where a permission is held."""
    known = principal()
    return {entity_id: known.locations(permission, entity_id) for entity_id in scope()}


def may_edit() -> bool:
    """Say whether who asks may change what concerns the whole of this request's entities: draw a button or not."""
    places = [principal().locations("master_data.edit", entity_id) for entity_id in scope()]
    return all(held is None for held in places)


def may_rule(entity_id: int | None) -> bool:
    """Say whether who asks may change the rules for approvals of an entity as a whole, or (None) of the group."""
    known = principal()
    if entity_id is None:
        return known.may_in_group("approvals.edit")
    return known.locations("approvals.edit", entity_id) is None


def within_reach(location: Location, entity_id: int, permission: str = "master_data.read") -> bool:
    """Say whether the permission is held at this location."""
    return principal().may(permission, entity_id, location.id)


def everywhere() -> tuple[int, ...]:
    """Return every entity that the person may edit as a whole: an item is the group's, whoever's page this is."""
    known = principal()
    held = [one for one in known.entities("master_data.edit") if known.locations("master_data.edit", one) is None]
    addons = in_scope(lambda session, now: context(session).addons.entities_with("master_data", held, now))
    return tuple(sorted({*scope(), *addons}))


def known_item(session: Session, sku: str) -> Item:
    """Return an item of the group; 404 where there is none."""
    found = queries.items_by_sku(session, [sku]).get(sku)
    if found is None:
        raise problems.NotFound("there is no such item")
    return found


def demand_whole_entities(permission: str = "master_data.edit") -> None:
    """Forbid what concerns an entity as a whole to those who hold the permission at some of its locations only."""
    if any(places is not None for places in reach(permission).values()):
        raise problems.Forbidden("this concerns the whole entity; the permission is held at single locations only")


def change(command: Callable[[Session, datetime], T]) -> T:
    """Run a command that changes something in this request's entities; Refused becomes its problem.

    What a system tried that is not authoritative is reported, although the command's own transaction is rolled back.
    """
    try:
        return in_scope(command)
    except Refused as refused:
        raise as_problem(refused) from None
    except NotAuthoritative as refused:
        report(refused)
        raise


def report(refused: NotAuthoritative) -> None:
    """Raise the exceptions of a write that was refused, in a transaction of their own."""
    entities = {one.entity_id for one in refused.violations}
    run(lambda session, now: services.report_violations(session, refused.violations, now=now), entities=entities)


def attempt_import(importer: Importer, data: bytes, *, dry_run: bool) -> ImportReport:
    """Import a file whole or not at all, or only tell what would be done; raises ImportRefused."""
    by = actor()

    try:
        return rehearse(in_scope, lambda session, now: importer.run(session, data, by, now), dry_run=dry_run)
    except NotAuthoritative as refused:
        if not dry_run:
            report(refused)
        raise


def taken_apart(given: Mapping[str, Any]) -> tuple[dict[str, Any], Terms]:
    """Return what shall change, and on which terms."""
    wish = dict(given)
    return wish, Terms(wish.pop("effective_at", None), wish.pop("note", None))


def answered(found: Any) -> Any:
    """Return a thing as it stands, or 202 with the request that waits."""
    if not isinstance(found, Requested):
        return found
    answer = jsonify(
        request={
            "id": str(found.id),
            "approval": str(found.approval_id),
            "status": found.status,
            "title": found.title,
            "waits_for": list(found.roles),
            "href": f"/master_data/requests/{found.id}",
        }
    )
    answer.status_code = 202
    return answer


def reported(report: ImportReport) -> dict[str, Any]:
    """Return what an import did as it crosses the wire."""
    return {
        "rows": report.rows,
        "created": report.created,
        "updated": report.updated,
        "requested": report.requested,
        "outcomes": [{"row": each.row, "name": each.name, "outcome": each.outcome} for each in report.outcomes],
    }


def as_problem(refused: Refused) -> problems.Problem:
    """Return the problem that a refusal is answered by: a conflict where it clashes with what is stored."""
    errors = [problems.field_error(error.field, error.message, error.value) for error in refused.errors]
    kind = problems.Conflict if all(error.conflict for error in refused.errors) else problems.Invalid
    return kind(_summary(refused.errors), errors=errors)


def _summary(errors: tuple[FieldError, ...]) -> str:
    return "; ".join(f"{error.field}: {error.message}" for error in errors[:5])
