"""Decide: approve, return, reject. Four eyes are judged by person, whatever role, token or delegation is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from onhand import audit
from onhand.actors import Actor
from onhand.approvals.kinds import Applied, ApprovalRequest, NotApplied
from onhand.approvals.models import Approval as Row
from onhand.approvals.models import ApprovalActivity
from onhand.approvals.services.asking import apply, audit_facts
from onhand.approvals.services.outcomes import Decided, Refused, decided
from onhand.approvals.services.people import Authority, authorities, person_of
from onhand.approvals.services.rows import (
    approvers_of,
    as_kind_sees,
    by_kind,
    due_after,
    kinds_of,
    locked,
    put,
    set_steps,
    tell,
)  # fmt: skip
from onhand.approvals.services.weighing import RuleBook, Step, Weight, touched, weights_anew
from onhand.contributions import ApprovalKind
from onhand.notices.api import NewNotice, notify
from onhand.reasons.api import check

__all__ = ["Decision", "Verdict", "decide", "may_decide"]

Verdict = Literal["approve", "return", "reject"]
PAST: dict[Verdict, str] = {"approve": "approved", "return": "returned", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's word on a version of an approval; to return or reject takes a reason."""

    id: UUID
    version: int
    verdict: Verdict
    reason: str | None = None


@dataclass(slots=True)
class _Bench:
    """What judging a list of decisions needs, read once."""

    person: int | None
    powers: list[Authority]
    kinds: Mapping[str, ApprovalKind]
    consents: Mapping[UUID, list[ApprovalActivity]]


def decide(session: Session, decisions: Sequence[Decision], *, by: Actor, now: datetime) -> list[Decided | Refused]:
    """Decide on approvals, each for itself, answered in order.

    A consent counts for the version it names only. It takes the role whose turn it is and the kind's permission at the
    place, of one's own or of someone one stands in for; never on what one asked for oneself, in person, through a token
    or for the one who asked; and one person counts once, as does whoever's authority was used. With the last consent the
    change takes effect in this transaction. Before, its kind looks at the world: if what was asked no longer fits, the
    decision is Refused as `outdated`, the new numbers are kept as the next version and consents so far are void. Of two
    deciding at once the second finds what the first has done.
    """
    rows = locked(session, [decision.id for decision in decisions])
    person = person_of(session, by)
    powers = [] if person is None else authorities(session, person, now=now)
    bench = _Bench(person, powers, kinds_of(session), approvers_of(session, rows.values()))
    answers: list[Decided | Refused | None] = [None] * len(decisions)
    agreed: list[tuple[int, Row, Authority, Decision]] = []
    told: list[tuple[Row, str, dict[str, Any]]] = []
    seen: set[UUID] = set()
    for position, decision in enumerate(decisions):
        row = rows.get(decision.id)
        judged = _judge(row, decision, bench, seen)
        seen.add(decision.id)
        if isinstance(judged, Refused) or row is None:
            answers[position] = judged if isinstance(judged, Refused) else None
        elif decision.verdict == "approve":
            agreed.append((position, row, judged, decision))
        else:
            _turn_down(row, decision.verdict, now)
            told.append((row, PAST[decision.verdict], _signature(row, judged, person, decision.reason)))
            answers[position] = decided(row)
    refusals = _recheck(session, [row for _, row, _, _ in agreed], bench, told, now=now)
    agreed = [each for each in agreed if each[1].id not in refusals]
    last = [row for _, row, _, _ in agreed if row.step + 1 == len(row.steps)]
    results = _apply_last(session, last, bench, by=by, now=now)
    for position, row, authority, decision in agreed:
        result = results.get(row.id)
        if isinstance(result, NotApplied):
            refusals[row.id] = Refused("not_applied", result.detail, row.id, row.version)
            continue
        signature = _signature(row, authority, person, decision.reason)
        _consent(session, row, result, now)
        told.append((row, "approved", signature))
        answers[position] = decided(row)
    tell(session, told, by=by, person=person, now=now)
    notify(session, [each for row, verb, more in told if (each := _told_requester(row, verb, more, by))], now=now)
    for row, verb, more in told:
        audit.record(
            session, by, f"approval.{AUDITED.get(verb, verb)}", f"approval:{row.id}", None, audit_facts(row), more["note"],
            row.entity_id,
        )  # fmt: skip
    return [
        answer if answer is not None else refusals[decision.id]
        for answer, decision in zip(answers, decisions, strict=True)
    ]


AUDITED = {"approved": "approve", "returned": "return", "rejected": "reject", "outdated": "outdate"}


def may_decide(
    rows: Sequence[Row], consents: Mapping[UUID, list[ApprovalActivity]], kinds: Mapping[str, ApprovalKind],
    powers: list[Authority], person: int | None,
) -> dict[UUID, Refused | None]:  # fmt: skip
    """Return why a person may not approve what waits, per approval; None: they may. Reads only what it is given."""
    bench = _Bench(person, powers, kinds, consents)
    found: dict[UUID, Refused | None] = {}
    for row in rows:
        judged = _judge(row, Decision(row.id, row.version, "approve"), bench, set())
        found[row.id] = judged if isinstance(judged, Refused) else None
    return found


def _judge(row: Row | None, decision: Decision, bench: _Bench, seen: set[UUID]) -> Authority | Refused:
    """Return by whose authority a decision counts, or why it does not."""
    if row is None:
        return Refused("unknown", "there is no such approval here", decision.id)
    if row.id in seen:
        return Refused("twice", "named twice in one list; send it once", row.id, row.version)
    if row.status != "pending":
        return Refused("settled", f"it is {row.status} already", row.id, row.version)
    if row.version != decision.version:
        detail = f"it has moved on to version {row.version} since you saw version {decision.version}; look again"
        return Refused("changed", detail, row.id, row.version)
    if row.kind not in bench.kinds:
        return Refused("unknown_kind", f"no installed add-on knows {row.kind!r}", row.id, row.version)
    if decision.verdict != "approve" and not (decision.reason or "").strip():
        return Refused("invalid", f"to {decision.verdict} takes a reason", row.id, row.version)
    if bench.person is None:
        return Refused("nobody", "only a person can decide, and this token acts for nobody", row.id, row.version)
    if bench.person == row.requester_user_id:
        return Refused("own_request", "you asked for it yourself: another person must decide", row.id, row.version)
    return _authority(row, bench)


def _authority(row: Row, bench: _Bench) -> Authority | Refused:
    spent = {each.user_id for each in bench.consents[row.id]} | {each.for_user_id for each in bench.consents[row.id]}
    if bench.person in spent:
        return Refused(
            "counted_already", "you agreed already: the next consent is another person's", row.id, row.version
        )
    permission = bench.kinds[row.kind].permission
    able = [
        power
        for power in bench.powers
        if row.waiting_role in power.roles_at(row.kind, row.entity_id, row.location_id)
        and power.permitted(permission, row.entity_id, row.location_id)
    ]
    for power in able:
        if power.user_id != row.requester_user_id and power.user_id not in spent:
            return power
    if any(power.user_id == row.requester_user_id for power in able):
        detail = f"{row.requester_name} asked for it, and you would decide in that person's stead: another must"
        return Refused("own_request", detail, row.id, row.version)
    if able:
        return Refused(
            "counted_already", f"{able[0].name} agreed already, and you would in that person's stead", row.id
        )
    detail = f"it waits for someone with the role {str(row.waiting_role).replace('_', ' ')} and the permission {permission} at this place"
    return Refused("no_authority", detail, row.id, row.version)


def _turn_down(row: Row, verdict: Verdict, now: datetime) -> None:
    row.status, row.waiting_role, row.due_at = PAST[verdict], None, None
    row.decided_at = now if verdict == "reject" else None


def _signature(row: Row, authority: Authority, person: int | None, note: str | None) -> dict[str, Any]:
    step = row.steps[row.step] if row.step < len(row.steps) else {"tier": None, "role": None}
    for_user = authority.user_id if authority.user_id != person else None
    return {"tier": step["tier"], "role": step["role"], "for_user_id": for_user, "note": note}


def _told_requester(row: Row, verb: str, more: dict[str, Any], by: Actor) -> NewNotice | None:
    """Return what who asked is told, once it is decided or comes back."""
    if row.requester_user_id is None or row.status == "pending" or verb == "outdated":
        return None
    note = f" ({more['note']})" if more["note"] else ""
    text = f"{row.status.capitalize()} by {by.name}{note}: {row.title}"
    return NewNotice(row.requester_user_id, row.entity_id, f"approval:{row.id}", text, f"/approvals/{row.id}")


def _consent(session: Session, row: Row, result: Applied | None, now: datetime) -> None:
    row.step += 1
    row.reminded = 0
    if row.step < len(row.steps):
        row.waiting_role = row.steps[row.step]["role"]
        row.due_at = due_after(session, row, now)
        return
    row.status, row.waiting_role, row.due_at, row.decided_at = "approved", None, None, now
    if result is not None:
        row.href, row.result = result.href, result.result


def _recheck(
    session: Session,
    rows: Sequence[Row],
    bench: _Bench,
    told: list[tuple[Row, str, dict[str, Any]]],
    *,
    now: datetime,
) -> dict[UUID, Refused]:
    """Return what must not be approved as it stands: its reason is retired, or the world has moved on."""
    refused: dict[UUID, Refused] = {}
    bad = check(session, [(row.reason, None) for row in rows if row.reason is not None])
    unusable = {each.code: each for each in bad if each is not None}
    for row in rows:
        if row.reason in unusable:
            detail = f"{unusable[row.reason].detail}; return it, so that {row.requester_name} can choose"
            refused[row.id] = Refused("reason", detail, row.id, row.version)
    for name, group in by_kind(row for row in rows if row.id not in refused):
        kind = bench.kinds[name]
        if kind.recheck is None:
            continue
        views = [as_kind_sees(row, _names(bench, row)) for row in group]
        outdated: list[tuple[Row, ApprovalRequest]] = []
        for row, found in zip(group, kind.recheck(session, views, now=now), strict=True):
            if isinstance(found, NotApplied):
                refused[row.id] = Refused("not_applied", found.detail, row.id, row.version)
            elif found is not None:
                outdated.append((row, found))
        if outdated:
            book = RuleBook.read(session, touched((found for _, found in outdated), bench.kinds))
            weights = weights_anew(session, [(found, row.requester, row.id) for row, found in outdated], now=now)
            for (row, found), weight in zip(outdated, weights, strict=True):
                refused[row.id] = _outdate(session, row, found, weight, book.steps(bench.kinds, found, weight), now)
                told.append((row, "outdated", {"note": None}))
    return refused


def _outdate(
    session: Session,
    row: Row,
    found: ApprovalRequest,
    weight: Weight,
    steps: Sequence[Step],
    now: datetime,
) -> Refused:
    """Keep the new numbers as the next version, for which all consents are needed anew, of those whose turn it was."""
    put(row, found)
    row.version += 1
    if steps:
        set_steps(row, steps, weight, keeps_passed_on=True)
    else:  # smaller by now, yet somebody was asked: the first of them still says yes or no
        row.step, row.waiting_role, row.steps = 0, row.steps[0]["role"], row.steps[:1]
        row.weighed_quantity, row.weighed_amount_minor = weight.quantity, weight.amount_minor
    row.due_at, row.reminded = due_after(session, row, now), 0
    detail = f"the numbers have moved since it was asked; look at version {row.version} and decide again"
    return Refused("outdated", detail, row.id, row.version, found)


def _apply_last(
    session: Session, rows: Sequence[Row], bench: _Bench, *, by: Actor, now: datetime
) -> dict[UUID, Applied | NotApplied]:
    """Carry out what has its last consent now, kind by kind in one order."""
    results: dict[UUID, Applied | NotApplied] = {}
    for name, group in by_kind(rows):
        names = {row.id: [*_names(bench, row), by.name] for row in group}
        outcomes = apply(session, group, bench.kinds[name], names, by=by, now=now)
        results |= {row.id: outcome for row, outcome in zip(group, outcomes, strict=True)}
    return results


def _names(bench: _Bench, row: Row) -> list[str]:
    return [each.actor_name for each in bench.consents[row.id]]
