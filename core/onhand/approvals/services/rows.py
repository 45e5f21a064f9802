"""Between rows and what kinds see of them; what was done, told once per approval; locks and turns."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.approvals.kinds import Approval, ApprovalRequest, Change, Proof
from onhand.approvals.models import Approval as Row
from onhand.approvals.models import ApprovalActivity
from onhand.approvals.services.weighing import Step, Weight
from onhand.contributions import ApprovalKind
from onhand.db import TURNS, cursor
from onhand.policies.book import Where
from onhand.policies.services import resolve
from onhand.transaction import context

__all__ = [
    "TEXTS", "approvers_of", "as_kind_sees", "by_kind", "due_after", "kinds_of", "kinds_within", "locked", "put", "request_of",
    "set_steps", "take_turns", "tell",
]  # fmt: skip

REMIND_HOURS = "approvals.reminder_hours"
TEXTS = (
    "title",
    "location",
    "subject",
    "quantity",
    "amount_minor",
    "currency",
    "atp_before",
    "atp_after",
    "reason",
    "note",
)
TURN = """
/* approvals.turn */ SELECT pg_advisory_xact_lock(%s, hashtext(name))
FROM (SELECT unnest(%s::text[]) AS name ORDER BY 1) AS turns
"""


def kinds_of(session: Session) -> dict[str, ApprovalKind]:
    """Return every kind that an installed add-on contributes, by name."""
    return {kind.name: kind for kind in context(session).addons.gather("approval_kinds")}


def kinds_within(session: Session, entity_id: int | None, now: datetime) -> dict[str, ApprovalKind]:
    """Return the kinds of add-ons that take new work in an entity; for the group, of all."""
    addons = context(session).addons
    return {
        kind.name: kind
        for noun, kinds in addons.gather_by_addon("approval_kinds")
        if entity_id is None or addons.enabled(entity_id, noun, now)
        for kind in kinds
    }


def take_turns(session: Session, names: Iterable[str]) -> None:
    """Wait until nobody else asks in these names, in one order, and keep the turn to the end of the transaction."""
    cursor(session).execute(TURN, (TURNS, [f"approval:{name}" for name in sorted(set(names))]))


def locked(session: Session, ids: Iterable[UUID]) -> dict[UUID, Row]:
    """Return approvals, locked in the order of their ids; what is not there or out of scope is left out."""
    query = select(Row).where(Row.id.in_(set(ids))).order_by(Row.id).with_for_update(key_share=True)
    return {row.id: row for row in session.scalars(query.execution_options(populate_existing=True))}


def put(row: Row, request: ApprovalRequest) -> None:
    """Write what is asked into a row; kind, key and entity of a row never change."""
    if row.location_id != request.location_id:
        row.location_id = request.location_id
    for name in TEXTS:
        if getattr(row, name) != getattr(request, name):
            setattr(row, name, getattr(request, name))
    row.changes = [asdict(change) for change in request.changes]
    row.evidence = [asdict(proof) for proof in request.evidence]
    row.payload = request.payload
    row.fields = list(request.fields)


def request_of(row: Row) -> ApprovalRequest:
    """Return what a row asks for."""
    return ApprovalRequest(
        kind=row.kind,
        key=row.key,
        entity_id=row.entity_id,
        location_id=row.location_id,
        changes=tuple(Change(**change) for change in row.changes),
        evidence=tuple(Proof(**proof) for proof in row.evidence),
        payload=row.payload,
        fields=tuple(row.fields),
        **{name: getattr(row, name) for name in TEXTS},
    )


def set_steps(row: Row, steps: Sequence[Step], weight: Weight, *, keeps_passed_on: bool = False) -> None:
    """Begin agreement anew; `keeps_passed_on`: of those whom what is asked was passed on to since others did not decide."""
    passed_on = {
        (step["tier"], step["passed_on_by"]): step
        for step in (row.steps if keeps_passed_on else ())
        if "passed_on_by" in step
    }
    row.steps = [passed_on.get((step.tier, step.role), {"tier": step.tier, "role": step.role}) for step in steps]
    row.step = 0
    row.waiting_role = row.steps[0]["role"] if steps else None
    row.weighed_quantity, row.weighed_amount_minor = weight.quantity, weight.amount_minor


def due_after(session: Session, row: Row, now: datetime) -> datetime:
    """Return when whoever has to decide is reminded."""
    where = Where(location_id=row.location_id, entity_id=row.entity_id)
    return now + timedelta(hours=int(resolve(session, REMIND_HOURS, where, at=now)))


def as_kind_sees(row: Row, approvers: Sequence[str]) -> Approval:
    """Return a row as its kind sees it."""
    kind, _, number = row.requester.partition(":")
    requester = (
        Actor("user", int(number), row.requester_name, row.requester_user_id)
        if kind == "user"
        else Actor("token", int(number), row.requester_name, row.requester_user_id)
        if kind == "token"
        else Actor.system(number)
    )
    return Approval(row.id, row.version, request_of(row), requester, row.asked_at, tuple(approvers))


def by_kind(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """Return rows by kind, the kinds in the one order in which all carry out: so nobody waits for each other crosswise."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.kind, []).append(row)
    return sorted(found.items())


def approvers_of(session: Session, rows: Iterable[Row]) -> dict[UUID, list[ApprovalActivity]]:
    """Return the consents given to the present version of each approval, in their order."""
    versions = {row.id: row.version for row in rows}
    query = select(ApprovalActivity).where(
        ApprovalActivity.approval_id.in_(versions), ApprovalActivity.verb == "approved"
    )
    found: dict[UUID, list[ApprovalActivity]] = {id_: [] for id_ in versions}
    for each in session.scalars(query.order_by(ApprovalActivity.id)):
        if each.version == versions[each.approval_id]:
            found[each.approval_id].append(each)
    return found


def tell(
    session: Session, told: Sequence[tuple[Row, str, dict[str, Any]]], *, by: Actor, person: int | None, now: datetime
) -> None:
    """Add what was done to approvals: (row, verb, further columns). One statement, after the rows themselves."""
    if not told:
        return
    session.flush()
    common = {"tier": None, "role": None, "for_user_id": None, "note": None, "actor": by.ref, "actor_name": by.name}
    session.execute(
        insert(ApprovalActivity).returning(ApprovalActivity.id).execution_options(render_nulls=True),
        [
            {
                **common,
                "approval_id": row.id,
                "entity_id": row.entity_id,
                "version": row.version,
                "verb": verb,
                "user_id": person,
                "requester_user_id": row.requester_user_id,
                "recorded_at": now,
                **more,
            }
            for row, verb, more in told
        ],
    )
