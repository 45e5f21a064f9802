"""The one way in which people change policies: what is asked for takes effect at once, or when others have agreed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.actors import Actor
from onhand.approvals.api import (
    Applied,
    Approval,
    ApprovalKind,
    ApprovalRequest,
    Change,
    NotApplied,
    Proof,
    Refused,
    ask,
)
from onhand.approvals.models import Approval as Row
from onhand.ids import uuid7
from onhand.policies.book import Where
from onhand.policies.places import label_of, named
from onhand.policies.services import (
    PolicyChange,
    PolicyRefused,
    checked_change,
    in_force_at,
    policy_type,
    resolve,
    set_policies,
)
from onhand.policies.values import shown

__all__ = ["KIND", "Proposed", "propose", "waiting_for"]

WAITING_MAX = 50


@dataclass(frozen=True, slots=True)
class Proposed:
    """What became of changes: the versions that were added, in order; none yet while the approval waits for `roles`."""

    versions: tuple[int, ...]
    approval: UUID
    roles: tuple[str, ...] = ()

    @property
    def is_waiting(self) -> bool:
        """Whether others must agree first."""
        return bool(self.roles)


def propose(
    session: Session,
    changes: Sequence[PolicyChange],
    *,
    by: Actor,
    now: datetime,
    reason: str | None = None,
    title: str | None = None,
) -> Proposed:
    """Ask for changes as one: all of them take effect at once where no rule demands consent, else with the last consent.

    They must be of one entity, or all of the group. PolicyRefused as `set_policies` raises it, before anything is asked.
    """
    wishes = [checked_change(session, change, now=now) for change in changes]
    entities = {wish.where.entity_id for wish in wishes}
    if len(entities) != 1:
        raise PolicyRefused("changes asked for as one must be of one entity", field="scope.entity")
    request = _request(session, wishes, reason, now, str(uuid7()), title)
    answer = ask(session, [request], by=by, now=now)[0]
    if isinstance(answer, Refused):
        raise PolicyRefused(answer.detail, policy=wishes[0].policy, field="approval", is_conflict=True)
    waiting = tuple(step.role for step in answer.steps) if answer.status == "pending" else ()
    return Proposed(tuple(answer.result.get("versions", ())), answer.id, waiting)


def waiting_for(session: Session, name: str) -> Sequence[Row]:
    """Return the changes of a policy that wait for somebody's consent within the transaction's scope, oldest first."""
    query = select(Row).where(Row.kind == KIND.name, Row.status == "pending", Row.subject == f"policy:{name}")
    return session.scalars(query.order_by(Row.asked_at, Row.id).limit(WAITING_MAX)).all()


def _request(
    session: Session, wishes: Sequence[PolicyChange], reason: str | None, now: datetime, key: str, title: str | None
) -> ApprovalRequest:
    names = list(dict.fromkeys(wish.policy for wish in wishes))
    labels = [policy_type(session, name).label for name in names]
    locations = {wish.where.location_id for wish in wishes}
    location_id = next(iter(locations)) if len(locations) == 1 else None
    places = named(session, [wish.where for wish in wishes])
    location = places.get("location", {}).get(location_id) if location_id is not None else None
    return ApprovalRequest(
        kind=KIND.name,
        key=key,
        title=title or (f"Policy {labels[0]}" if len(labels) == 1 else f"{len(labels)} policies: {', '.join(labels)}"),
        entity_id=wishes[0].where.entity_id,
        location_id=location_id,
        location=location.code if location else None,
        subject=f"policy:{names[0]}" if len(names) == 1 else "policies",
        changes=tuple(_line(session, wish, label_of(wish.where, places), now) for wish in wishes),
        evidence=tuple(Proof(label, name, f"/policies/{name}") for label, name in zip(labels, names, strict=True)),
        payload={"changes": [_packed(session, wish, now) for wish in wishes], "reason": reason},
        note=reason,
    )


def _line(session: Session, wish: PolicyChange, place: str, now: datetime) -> Change:
    """Write a change as an approver reads it: the value until then, the value from then on."""
    kind = policy_type(session, wish.policy)
    at = max(wish.effective_from or now, now)
    before = shown(kind, resolve(session, wish.policy, wish.where, at=at))
    after = "ends" if wish.value is None else shown(kind, wish.value)
    if wish.cancels:
        after = f"version {wish.replaces} is cancelled"
    if wish.condition:
        after += f" when {wish.condition}"
    since = f" from {wish.effective_from.isoformat(timespec='minutes')}" if wish.effective_from else ""
    return Change(f"{kind.label}, {place}{since}", before, after)


def _packed(session: Session, wish: PolicyChange, now: datetime) -> dict[str, Any]:
    """Write a change as an approval keeps it, with the version that was in force at its place when it was asked for."""
    live = in_force_at(session, wish.policy, wish.where, now)
    packed = asdict(wish) | {"live": live.id if live else None}
    if wish.effective_from is not None:
        packed["effective_from"] = wish.effective_from.isoformat()
    return packed


def _unpacked(packed: Mapping[str, Any]) -> PolicyChange:
    moment = packed["effective_from"]
    fields = {name: value for name, value in packed.items() if name != "live"}
    fields |= {"where": Where(**packed["where"]), "effective_from": datetime.fromisoformat(moment) if moment else None}
    return PolicyChange(**fields)


def _apply(
    session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime  # noqa: ARG001 - the asker is the author
) -> list[Applied | NotApplied]:  # fmt: skip
    """Add the versions in the name of who asked for them; a version planned for a moment that has passed begins now."""
    outcomes: list[Applied | NotApplied] = []
    for approval in approvals:
        payload = approval.request.payload
        wishes = [_unpacked(packed) for packed in payload["changes"]]
        reason = _signed(payload["reason"], approval.approvers)
        try:
            with session.begin_nested():
                made = set_policies(session, wishes, by=approval.requester, now=now, reason=reason)
        except PolicyRefused as refused:
            outcomes.append(NotApplied(str(refused)))
            continue
        href = f"/policies/{wishes[0].policy}" if len({wish.policy for wish in wishes}) == 1 else "/policies/"
        outcomes.append(Applied(href, {"versions": [version.id for version in made]}))
    return outcomes


def _recheck(
    session: Session, approvals: Sequence[Approval], *, now: datetime
) -> list[ApprovalRequest | NotApplied | None]:  # fmt: skip
    """Say whether what was in force when a change was asked for is in force still; if not, ask anew with what is."""
    answers: list[ApprovalRequest | NotApplied | None] = []
    for approval in approvals:
        request = approval.request
        wishes = [_unpacked(packed) for packed in request.payload["changes"]]
        try:
            checked = [checked_change(session, wish, now=now) for wish in wishes]
        except PolicyRefused as refused:
            answers.append(NotApplied(str(refused)))
            continue
        asked_over = [packed["live"] for packed in request.payload["changes"]]
        if asked_over == [_live(session, wish, now) for wish in checked]:
            answers.append(None)
            continue
        fresh = _request(session, checked, request.payload["reason"], now, request.key, request.title)
        answers.append(replace(fresh, location_id=request.location_id, location=request.location))
    return answers


def _live(session: Session, wish: PolicyChange, now: datetime) -> int | None:
    found = in_force_at(session, wish.policy, wish.where, now)
    return found.id if found else None


def _signed(reason: str | None, approvers: Iterable[str]) -> str | None:
    names = ", ".join(approvers)
    agreed = f"agreed to by {names}" if names else ""
    return "; ".join(filter(None, (reason, agreed))) or None


KIND = ApprovalKind("policies.change", "Change of a policy", "policies.approve", apply=_apply, recheck=_recheck)
