"""Consent: steps that others may have to agree to before they are taken, as the retailer's rules of approval say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from onhand.actors import Actor
from onhand.approvals.api import (
    Applied,
    Approval,
    ApprovalKind,
    ApprovalRequest,
    Asked,
    Change,
    NotApplied,
    Proof,
    Refused,
    ask,
)
from onhand.db import cursor, int_array
from sqlalchemy.orm import Session

from onhand_channels.services.checklist import checklist
from onhand_channels.services.lifecycle import advance, judge
from onhand_channels.states import APPROVED, LIVE, RETIRED
from onhand_channels.values import Advance, Advanced, Stayed, Waits

__all__ = ["LIFECYCLE", "request_steps"]

KIND = "channels.lifecycle"
CONSENTED = frozenset({APPROVED, LIVE, RETIRED})
"""Steps that are asked for. Steps back and suspending are taken at once: stopping harm waits for nobody."""
LATEST = """
/* consent.latest */ SELECT channel_id, max(id) FROM channels.lifecycle_step
WHERE channel_id = ANY(%s::int[]) GROUP BY channel_id
"""
OVER = frozenset({"rejected", "withdrawn"})


def request_steps(
    session: Session, wishes: Sequence[Advance], *, by: Actor, now: datetime
) -> list[Advanced | Waits | Stayed]:  # fmt: skip
    """Let channels take steps, or ask for those that rules of approval put into other people's hands.

    Where no rule demands consent a step is taken at once. What cannot be done is refused before anybody is asked. Asking
    again for a step that waits answers with the same request.
    """
    answers: list[Advanced | Waits | Stayed] = list(judge(session, wishes, now=now))
    asked = [
        number for number, answer in enumerate(answers) if isinstance(answer, Advanced) and answer.to in CONSENTED
    ]  # fmt: skip
    free = [
        number for number, answer in enumerate(answers) if isinstance(answer, Advanced) and answer.to not in CONSENTED
    ]  # fmt: skip
    taken = advance(session, [wishes[number] for number in free], by=by, now=now) if free else []
    for number, answer in zip(free, taken, strict=True):
        answers[number] = answer
    if asked:
        steps = [one for number in asked if isinstance(one := answers[number], Advanced)]
        for number, outcome in zip(asked, _ask(session, steps, by=by, now=now), strict=True):
            answers[number] = outcome
    return answers


def _ask(
    session: Session, steps: Sequence[Advanced], *, by: Actor, now: datetime
) -> list[Advanced | Waits | Stayed]:  # fmt: skip
    channels = [step.channel for step in steps]
    latest: dict[int, int] = dict(
        cursor(session).execute(LATEST, (int_array([one.id for one in channels]),)).fetchall()
    )
    checks = checklist(session, channels, now=now)
    requests = [
        _request(step, f"{step.channel.code} {latest.get(step.channel.id, 0)} {step.to}", checks[step.channel.id])
        for step in steps
    ]
    answers = ask(session, requests, by=by, now=now)
    again = [number for number, answer in enumerate(answers) if isinstance(answer, Asked) and answer.status in OVER]
    if again:  # it was refused before: this is another wish
        keys = [f"{requests[number].key} {now.isoformat()}" for number in again]
        anew = [
            _request(steps[number], key, checks[steps[number].channel.id])
            for number, key in zip(again, keys, strict=True)
        ]  # fmt: skip
        for number, answer in zip(again, ask(session, anew, by=by, now=now), strict=True):
            answers[number] = answer
    return [_outcome(step, answer) for step, answer in zip(steps, answers, strict=True)]


def _request(step: Advanced, key: str, checks: Sequence[Any]) -> ApprovalRequest:
    channel = step.channel
    return ApprovalRequest(
        kind=KIND,
        key=key,
        title=f"{channel.name} ({channel.code}): {step.came_from} → {step.to}",
        entity_id=channel.entity_id,
        subject=f"channel:{channel.id}",
        changes=(Change("State", step.came_from, step.to),),
        evidence=(
            Proof("Life cycle", channel.code, f"/channels/{channel.code}/life"),
            *(Proof(check.title, check.detail) for check in checks),
        ),
        payload={"code": channel.code, "from": step.came_from, "to": step.to, "reason": step.reason},
        note=step.reason or None,
    )


def _outcome(step: Advanced, answer: Asked | Refused) -> Advanced | Waits | Stayed:
    if isinstance(answer, Refused):
        return Stayed(step.channel.code, step.came_from, f"approval_{answer.why}", answer.detail)
    if answer.status == "approved":
        return step
    roles = tuple(one.role for one in answer.steps)
    return Waits(step.channel, step.came_from, step.to, str(answer.id), roles)


def apply(session: Session, approvals: Sequence[Approval], *, by: Actor, now: datetime) -> list[Applied | NotApplied]:
    """Take the steps that were agreed to. The history names who took the last decision."""
    answers = advance(session, [_wish(one) for one in approvals], by=by, now=now)
    return [
        NotApplied(answer.detail)
        if isinstance(answer, Stayed)
        else Applied(f"/channels/{answer.channel.code}/life", {"state": answer.to})
        for answer in answers
    ]


def recheck(
    session: Session, approvals: Sequence[Approval], *, now: datetime
) -> list[ApprovalRequest | NotApplied | None]:
    """Say of each step whether it can still be taken: the channel has not moved on, and its checklist is fulfilled."""
    return [
        NotApplied(answer.detail) if isinstance(answer, Stayed) else None
        for answer in judge(session, [_wish(one) for one in approvals], now=now)
    ]


def _wish(asked: Approval) -> Advance:
    said = asked.request.payload
    return Advance(said["code"], said["to"], said["reason"], expected=said["from"])


LIFECYCLE = ApprovalKind(KIND, "Channel life cycle", "channels.approve", apply, recheck)
