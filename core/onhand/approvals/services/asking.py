"""Ask for something, ask for something else instead, take it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.actors import Actor
from onhand.approvals.kinds import Applied, ApprovalRequest, NotApplied
from onhand.approvals.models import Approval as Row
from onhand.approvals.services.faults import fault
from onhand.approvals.services.outcomes import Asked, Refused, asked
from onhand.approvals.services.people import person_of
from onhand.approvals.services.rows import (
    as_kind_sees,
    by_kind,
    due_after,
    kinds_of,
    kinds_within,
    locked,
    put,
    request_of,
    set_steps,
    take_turns,
    tell,
)  # fmt: skip
from onhand.approvals.services.weighing import RuleBook, Totals, touched
from onhand.contributions import ApprovalKind
from onhand.ids import uuid7
from onhand.reasons.api import check

__all__ = ["Revision", "Withdrawal", "ask", "moved_on", "not_theirs", "revise", "withdraw"]

COLUMNS = tuple(Row.__table__.columns.keys())
Told = list[tuple[Row, str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Revision:
    """What is asked for instead, by whoever asked; `version` is the one that person saw."""

    id: UUID
    version: int
    request: ApprovalRequest


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An approval to take back, by whoever asked."""

    id: UUID
    note: str | None = None


def ask(session: Session, requests: Sequence[ApprovalRequest], *, by: Actor, now: datetime) -> list[Asked | Refused]:
    """Ask for changes: each takes effect at once where no rule demands consent, else it waits for those the rules name.

    Each stands alone and is answered in order. What takes effect does so in this transaction, by its kind's `apply`,
    under the approval's id; the approval itself is written after that, so no foreign key may point at it. Asking again
    under a key returns what became of it. Requests of one person that agree in kind, place and subject within the
    policy's window are added up, those in the list in their order; two callers at once wait for each other.
    """
    person = person_of(session, by)
    requester = by.ref if person is None else f"user:{person}"
    take_turns(session, (f"{requester}:{request.kind}" for request in requests))
    kinds = {entity: kinds_within(session, entity, now) for entity in {request.entity_id for request in requests}}
    book = RuleBook.read(session, touched(requests, kinds_of(session)))
    totals = Totals(session, requests, requester, now=now)
    known = _known(session, requester, requests)
    wrong = _wrong(session, requests, kinds)
    answers: list[Asked | Refused | None] = [None] * len(requests)
    fresh: list[tuple[int, Row]] = []
    repeated: list[tuple[int, Row]] = []
    for position, request in enumerate(requests):
        earlier = known.get((request.kind, request.key))
        if earlier is not None:
            repeated.append((position, earlier))
        elif (refusal := wrong[position]) is not None:
            answers[position] = refusal
        else:
            row = _row(request, by, person, requester, now)
            weight = totals.weigh(request)
            set_steps(row, book.steps(kinds[request.entity_id], request, weight), weight)
            totals.add(request)
            known[request.kind, request.key] = row
            fresh.append((position, row))
    at_once = [(position, row) for position, row in fresh if not row.steps]
    refusals = _apply_all(session, [row for _, row in at_once], kinds, by=by, now=now)
    told: Told = []
    for position, row in fresh:
        refused = refusals.get(row.id)
        answers[position] = refused or asked(row)
        if refused is None:
            row.due_at = due_after(session, row, now) if row.steps else None
            told += [(row, "asked", {"note": row.note})] + ([] if row.steps else [(row, "passed", {})])
            _audit(session, by, "approval.ask", row)
    if taken := [row for _, row in fresh if row.id not in refusals]:
        session.execute(
            insert(Row).returning(Row.id).execution_options(render_nulls=True),
            [{name: getattr(row, name) for name in COLUMNS} for row in taken],
        )
    for position, row in repeated:
        answers[position] = refusals.get(row.id) or _again(row, requests[position])
    tell(session, told, by=by, person=person, now=now)
    return [answer if answer is not None else _missing() for answer in answers]


def revise(session: Session, revisions: Sequence[Revision], *, by: Actor, now: datetime) -> list[Asked | Refused]:
    """Ask for something else in place of what waits or was returned: consents given so far are void.

    Only whoever asked may, for the same kind and place. Rules are weighed anew; where none demands consent any more it
    takes effect at once.
    """
    person = person_of(session, by)
    requester = by.ref if person is None else f"user:{person}"
    requests = [revision.request for revision in revisions]
    take_turns(session, (f"{requester}:{request.kind}" for request in requests))
    rows = locked(session, [revision.id for revision in revisions])
    kinds = {entity: kinds_within(session, entity, now) for entity in {request.entity_id for request in requests}}
    book = RuleBook.read(session, touched(requests, kinds_of(session)))
    totals = Totals(session, requests, requester, now=now, besides=[revision.id for revision in revisions])
    wrong = _wrong(session, requests, kinds)
    answers: list[Asked | Refused] = []
    told: Told = []
    seen: set[UUID] = set()
    for revision, refusal in zip(revisions, wrong, strict=True):
        row = rows.get(revision.id)
        refused = _unrevisable(row, revision, requester, seen) or refusal
        if refused is None and row is not None:
            refused = _revised(session, row, revision, (kinds, book, totals), told, by=by, now=now)
        seen.add(revision.id)
        answers.append(refused or asked(rows[revision.id]))
    tell(session, told, by=by, person=person, now=now)
    return answers


def withdraw(session: Session, withdrawals: Sequence[Withdrawal], *, by: Actor, now: datetime) -> list[Asked | Refused]:
    """Take back what waits or was returned. Only whoever asked may; it can be asked for again under another key."""
    person = person_of(session, by)
    requester = by.ref if person is None else f"user:{person}"
    rows = locked(session, [withdrawal.id for withdrawal in withdrawals])
    answers: list[Asked | Refused] = []
    told: Told = []
    for withdrawal in withdrawals:
        row = rows.get(withdrawal.id)
        refused = not_theirs(row, withdrawal.id, requester)
        if refused is not None or row is None:
            answers.append(refused or _missing())
            continue
        row.status, row.waiting_role, row.due_at, row.decided_at = "withdrawn", None, None, now
        told.append((row, "withdrawn", {"note": withdrawal.note}))
        _audit(session, by, "approval.withdraw", row, withdrawal.note)
        answers.append(asked(row))
    tell(session, told, by=by, person=person, now=now)
    return answers


def _revised(
    session: Session,
    row: Row,
    revision: Revision,
    weighing: tuple[Mapping[int | None, Mapping[str, ApprovalKind]], RuleBook, Totals],
    told: Told,
    *,
    by: Actor,
    now: datetime,
) -> Refused | None:
    kinds, book, totals = weighing
    weight = totals.weigh(revision.request)
    steps = book.steps(kinds[row.entity_id], revision.request, weight)
    totals.add(revision.request)
    before = audit_facts(row)
    applied: Applied | None = None
    if not steps:
        draft = _row(revision.request, by, row.requester_user_id, row.requester, now)
        draft.id, draft.version, draft.asked_at, draft.steps = row.id, row.version + 1, row.asked_at, []
        refusal = _apply_all(session, [draft], kinds, by=by, now=now).get(row.id)
        if refusal is not None:
            return refusal
        applied = Applied(draft.href, draft.result or {})
    put(row, revision.request)
    row.version += 1
    set_steps(row, steps, weight)
    row.status, row.reminded = ("pending" if steps else "approved"), 0
    row.due_at = due_after(session, row, now) if steps else None
    told.append((row, "revised", {"note": revision.request.note}))
    if applied is not None:
        row.decided_at, row.href, row.result = now, applied.href, applied.result
        told.append((row, "passed", {}))
    audit.record(
        session,
        by,
        "approval.revise",
        f"approval:{row.id}",
        before,
        audit_facts(row),
        revision.request.note,
        row.entity_id,
    )
    return None


def _unrevisable(row: Row | None, revision: Revision, requester: str, seen: set[UUID]) -> Refused | None:
    if revision.id in seen:
        return Refused("twice", "named twice in one list; send it once", revision.id)
    refused = not_theirs(row, revision.id, requester)
    if refused is not None or row is None:
        return refused
    request = revision.request
    if (moved := moved_on(row, revision.version)) is not None:
        return moved
    if (request.kind, request.entity_id) != (row.kind, row.entity_id):
        return Refused("invalid", "kind and entity cannot be changed: withdraw it and ask anew", row.id, row.version)
    return None


def moved_on(row: Row, version: int) -> Refused | None:
    """Return the refusal of who saw another version of a row than there is."""
    if row.version == version:
        return None
    detail = f"it has moved on to version {row.version} since you saw version {version}; look again"
    return Refused("changed", detail, row.id, row.version)


def not_theirs(row: Row | None, id_: UUID, requester: str) -> Refused | None:
    """Return the refusal of who did not ask for it, or asked for what is decided."""
    if row is None:
        return Refused("unknown", "there is no such approval here", id_)
    if row.requester != requester:
        return Refused(
            "not_yours", f"{row.requester_name} asked for it; only who asked may change it", row.id, row.version
        )
    if row.status not in {"pending", "returned"}:
        return Refused("settled", f"it is {row.status} already", row.id, row.version)
    return None


def _known(session: Session, requester: str, requests: Sequence[ApprovalRequest]) -> dict[tuple[str, str], Row]:
    keys, kinds = {request.key for request in requests}, {request.kind for request in requests}
    query = select(Row).where(Row.requester == requester, Row.kind.in_(kinds), Row.key.in_(keys))
    return {(row.kind, row.key): row for row in session.scalars(query)}


def _again(row: Row, request: ApprovalRequest) -> Asked | Refused:
    first = request_of(row)
    same = (first.entity_id, first.location_id, first.title, first.quantity, first.amount_minor, first.changes) == (
        request.entity_id, request.location_id, request.title, request.quantity, request.amount_minor, request.changes,
    )  # fmt: skip
    if row.version == 1 and not same:
        detail = f"the key {request.key!r} was used before, for: {first.title}; ask under another"
        return Refused("key_reused", detail, row.id, row.version)
    return asked(row)


def _wrong(
    session: Session, requests: Sequence[ApprovalRequest], kinds: Mapping[int | None, Mapping[str, ApprovalKind]]
) -> list[Refused | None]:
    """Judge the requests themselves, in their order."""
    given = [request.reason for request in requests if request.reason is not None]
    bad = {reason.code: reason for reason in check(session, [(code, None) for code in given]) if reason is not None}
    return [
        fault(request, kinds[request.entity_id])
        or (Refused("reason", bad[request.reason].detail) if request.reason in bad else None)
        for request in requests
    ]


def _row(request: ApprovalRequest, by: Actor, person: int | None, requester: str, now: datetime) -> Row:
    row = Row(
        id=uuid7(), entity_id=request.entity_id, location_id=request.location_id, kind=request.kind, key=request.key,
        status="pending", version=1, requester=requester, requester_name=by.name, requester_user_id=person, asked_at=now,
        reminded=0,
    )  # fmt: skip
    put(row, request)
    return row


def _apply_all(
    session: Session,
    rows: Iterable[Row],
    kinds: Mapping[int | None, Mapping[str, ApprovalKind]],
    *,
    by: Actor,
    now: datetime,
) -> dict[UUID, Refused]:
    """Apply what needs no consent, kind by kind in one order; return what could not be, by its id."""
    refused: dict[UUID, Refused] = {}
    for name, group in by_kind(rows):
        kind = kinds[group[0].entity_id][name]
        found = apply(session, group, kind, {}, by=by, now=now)
        for row, outcome in zip(group, found, strict=True):
            if isinstance(outcome, NotApplied):
                refused[row.id] = Refused("not_applied", outcome.detail)
            else:
                row.status, row.decided_at = "approved", now
                row.href, row.result = outcome.href, outcome.result
    return refused


def apply(
    session: Session,
    rows: Sequence[Row],
    kind: ApprovalKind,
    approvers: Mapping[UUID, Sequence[str]],
    *,
    by: Actor,
    now: datetime,
) -> Sequence[Applied | NotApplied]:
    """Have one kind carry out what was agreed; raise where it does not answer for each."""
    outcomes = kind.apply(session, [as_kind_sees(row, approvers.get(row.id, ())) for row in rows], by=by, now=now)
    if len(outcomes) != len(rows):
        raise RuntimeError(f"{kind.name} answered {len(outcomes)} of {len(rows)} approvals")
    return outcomes


def audit_facts(row: Row) -> dict[str, Any]:
    """Return what the audit trail keeps of an approval."""
    return {
        "kind": row.kind, "location": row.location, "title": row.title, "version": row.version, "status": row.status, "quantity": row.quantity,
        "amount_minor": row.amount_minor, "currency": row.currency, "changes": row.changes, "reason": row.reason,
        "steps": row.steps, "step": row.step,
    }  # fmt: skip


def _audit(session: Session, by: Actor, action: str, row: Row, reason: str | None = None) -> None:
    subject = f"approval:{row.id}"
    audit.record(session, by, action, subject, None, audit_facts(row), reason or row.note, row.entity_id)


def _missing() -> Refused:
    return Refused("unknown", "there is no such approval here")
