"""Change requests: ask for the owner's consent, and carry out on the day what was agreed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.actors import Actor
from onhand.approvals.api import (
    Applied,
    Approval,
    ApprovalRequest,
    Change,
    NotApplied,
    Proof,
    Withdrawal,
    ask,
    withdraw,
)
from onhand.approvals.api import Refused as ApprovalRefused
from onhand.audit import record
from onhand.events import Cause, ExceptionsRaised
from onhand.ids import uuid7
from onhand.outbox import publish_all
from onhand.transaction import context
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from onhand_master_data.models import ChangeRequest
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services.again import carried_out, differences_now
from onhand_master_data.services.wishes import CLASSES, Any_, class_of, fields_of, written
from onhand_master_data.values import Use

__all__ = [
    "FAILED",
    "Asking",
    "Requested",
    "apply",
    "apply_due",
    "failed_standing",
    "recheck",
    "request",
    "withdraw_requests",
]

FAILED = "change_failed"
LINES_MAX = 200
# What was agreed without a day and waits all the same is due.
DUE_AT = func.coalesce(ChangeRequest.effective_at, ChangeRequest.requested_at)
Line = tuple[str, Change]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request is about: wishes of one subject, what they make different, whom they concern, who uses it."""

    subject: str
    wishes: tuple[Any_, ...]
    names: tuple[str, ...]
    differences: tuple[Line, ...]
    entities: frozenset[int]
    uses: tuple[Use, ...]
    codes: Mapping[int, str]
    location: tuple[int, str] | None = None
    facts: tuple[tuple[str, str], ...] = field(default=())
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that was taken up. `status`: `pending`, `scheduled` for its day, or `applied`; `roles` must agree."""

    id: UUID
    approval_id: UUID
    status: str
    title: str
    roles: tuple[str, ...] = ()


def request(
    session: Session, asking: Asking, effective_at: datetime | None, note: str | None, *, by: Actor, now: datetime
) -> Requested:
    """Ask for a change; where no rule demands consent it takes effect in this transaction, or waits for its day."""
    id_ = uuid7()
    title = _title(asking)
    session.execute(
        insert(ChangeRequest).values(
            id=id_,
            approval_id=None,
            subject=asking.subject,
            names=list(asking.names),
            title=title,
            entities=sorted(asking.entities),
            wishes=[written(wish) for wish in asking.wishes],
            differences=[asdict(change) for _, change in asking.differences],
            effective_at=effective_at,
            status="pending",
            note=note,
            requested_at=now,
            requester=by.ref,
            requester_name=by.name,
        )
    )
    [answer] = ask(session, [_approval(asking, id_, title, effective_at, note)], by=by, now=now)
    if isinstance(answer, ApprovalRefused):
        raise Refused([FieldError(0, "request", answer.detail)])
    session.execute(update(ChangeRequest).where(ChangeRequest.id == id_).values(approval_id=answer.id))
    status = session.scalars(select(ChangeRequest.status).where(ChangeRequest.id == id_)).one()
    return Requested(id_, answer.id, status, title, tuple(step.role for step in answer.steps))


def apply(
    session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime
) -> Sequence[Applied | NotApplied]:
    """Carry out what was agreed, or put it down for its day."""
    answers: list[Applied | NotApplied] = []
    for approval in approvals:
        row = _locked(session, UUID(approval.request.payload["request"]))
        href = f"/master_data/requests/{row.id}"
        at = row.effective_at or now
        if at > now or _is_beyond_reach(session, row):
            _settle(session, row, "scheduled", now=now)
            answers.append(Applied(href, {"effective_at": at.isoformat()}))
            continue
        try:
            carried_out(session, row, by=by, now=now)
        except Refused as refused:
            answers.append(NotApplied(_why(refused)))
            continue
        _settle(session, row, "applied", now=now)
        answers.append(Applied(href))
    return answers


def recheck(
    session: Session, approvals: Sequence[Approval], *, now: datetime
) -> Sequence[ApprovalRequest | NotApplied | None]:
    """Say whether a request would still make the difference that is shown; if another, what it would be asked as now."""
    answers: list[ApprovalRequest | NotApplied | None] = []
    for approval in approvals:
        row = session.get_one(ChangeRequest, UUID(approval.request.payload["request"]))
        try:
            lines = differences_now(session, row, now=now)
        except Refused as refused:
            answers.append(NotApplied(_why(refused)))
            continue
        changes = tuple(change for _, change in lines)[:LINES_MAX]
        if not changes:
            answers.append(NotApplied("it is so already: nothing of it is left to change"))
        elif changes == approval.request.changes:
            answers.append(None)
        else:
            parts = {name: getattr(approval.request, name) for name in approval.request.__dataclass_fields__}
            answers.append(ApprovalRequest(**parts | {"changes": changes, "fields": fields_of(lines)}))
    return answers


def apply_due(session: Session, *, by: Actor, now: datetime) -> int:
    """Carry out one request whose day has come, and return how many there were: 0 or 1.

    What it would change is looked at again: where that differs from what was agreed, or can no longer be done, it fails,
    nothing of it is done, and `change_failed` is raised.
    """
    row = session.scalars(
        select(ChangeRequest)
        .where(
            ChangeRequest.status == "scheduled",
            now >= DUE_AT,
            ChangeRequest.entities.contained_by(list(context(session).entities)),
        )
        .order_by(DUE_AT, ChangeRequest.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return 0
    try:
        lines = [asdict(change) for _, change in differences_now(session, row, now=now)]
        if lines != row.differences:
            raise Refused([FieldError(0, "request", "what it would change is no longer what was agreed: ask again")])
        carried_out(session, row, by=by, now=now)
    except Refused as refused:
        _settle(session, row, "failed", now=now, detail=_why(refused))
        causes = {entity_id: (_cause(row, entity_id, now),) for entity_id in row.entities}
        publish_all(session, [ExceptionsRaised(entity_id, FAILED, found) for entity_id, found in causes.items()])
        return 1
    _settle(session, row, "applied", now=now)
    return 1


def withdraw_requests(session: Session, ids: Sequence[UUID], *, by: Actor, now: datetime) -> None:
    """Take requests back, all or none: what waits for consent by whoever asked, what waits for its day or failed by anyone.

    Refused names those that are not there, or over.
    """
    for index, id_ in enumerate(ids):
        row = session.scalars(select(ChangeRequest).where(ChangeRequest.id == id_).with_for_update()).first()
        if row is None or not set(row.entities) & set(context(session).entities):
            raise Refused([FieldError(index, "id", "there is no such request", str(id_))])
        if row.status == "pending" and row.approval_id is not None:
            [answer] = withdraw(session, [Withdrawal(row.approval_id)], by=by, now=now)
            if isinstance(answer, ApprovalRefused):
                raise Refused([FieldError(index, "id", answer.detail, str(id_))])
        elif row.status not in {"scheduled", "failed"}:
            raise Refused([FieldError(index, "id", f"it is {row.status} already", str(id_))])
        record(session, by, "change_request.withdraw", f"change_request:{id_}", {"status": row.status})
        _settle(session, row, "withdrawn", now=now)


def failed_standing(session: Session, entity_id: int, keys: Any, now: datetime) -> list[Cause]:
    """Return the requests that failed on their day and were not withdrawn since."""
    rows = session.scalars(
        select(ChangeRequest).where(ChangeRequest.status == "failed", ChangeRequest.entities.contains([entity_id]))
    )
    causes = [_cause(row, entity_id, row.settled_at or now) for row in rows]
    return [cause for cause in causes if keys is None or cause.key in keys]


def _approval(
    asking: Asking, id_: UUID, title: str, effective_at: datetime | None, note: str | None
) -> ApprovalRequest:
    kind = class_of(asking.differences)
    [*entities] = asking.entities
    only = entities[0] if len(entities) == 1 else None
    proofs = [Proof(name, value) for name, value in asking.facts]
    if effective_at is not None:
        proofs.append(Proof("Takes effect", effective_at.isoformat(timespec="minutes")))
    proofs += [
        Proof(f"{asking.codes[use.entity_id]}: {use.label}", f"{use.quantity}" if use.href else None, use.href)
        for use in sorted(asking.uses, key=lambda use: (use.entity_id, use.id))
    ]
    proofs.append(Proof("The whole request", None, f"/master_data/requests/{id_}"))
    return ApprovalRequest(
        kind=f"master_data.{kind}",
        key=str(id_),
        title=title,
        entity_id=only,
        location_id=asking.location[0] if asking.location and only else None,
        location=asking.location[1] if asking.location and only else None,
        subject=f"{asking.subject}:{asking.names[0]}" if len(asking.names) == 1 else None,
        quantity=sum(abs(use.quantity) for use in asking.uses) if kind == "pack" else None,
        changes=tuple(change for _, change in asking.differences)[:LINES_MAX],
        evidence=tuple(proofs[:LINES_MAX]),
        payload={"request": str(id_)},
        note=note,
        fields=fields_of(asking.differences),
    )


def _title(asking: Asking) -> str:
    if asking.title is not None:
        return asking.title
    lines = asking.differences
    if len(lines) == 1:
        change = lines[0][1]
        return f"{change.label}: {_said(change.before)} → {_said(change.after)}"
    if len(asking.names) == 1:
        return f"{asking.names[0]}: {len(lines)} changes"
    return f"{CLASSES[class_of(lines)]}: {len(lines)} changes to {len(asking.names)} {asking.subject}s"


def _said(value: object) -> str:
    return "none" if value is None else str(value)


def _locked(session: Session, id_: UUID) -> ChangeRequest:
    query = select(ChangeRequest).where(ChangeRequest.id == id_).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _is_beyond_reach(session: Session, row: ChangeRequest) -> bool:
    """Say whether a merge must wait for `apply_due`, which alone sees what each entity still has of the loser."""
    is_merge = any(wish.get("merge") for wish in row.wishes)
    return is_merge and not set(row.entities) <= set(context(session).entities)


def _settle(session: Session, row: ChangeRequest, status: str, *, now: datetime, detail: str | None = None) -> None:
    row.status, row.detail = status, detail
    row.settled_at = None if status == "scheduled" else now
    session.flush()


def _why(refused: Refused) -> str:
    return "; ".join(f"{error.field}: {error.message}" for error in refused.errors[:5])


def _cause(row: ChangeRequest, entity_id: int, at: datetime) -> Cause:
    return Cause(
        key=f"change:{row.id}",
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=len(row.names),
        occurred_at=at,
        title=f"Not changed on its day: {row.title}",
        evidence={"detail": row.detail or "", "href": f"/master_data/requests/{row.id}"},
    )
