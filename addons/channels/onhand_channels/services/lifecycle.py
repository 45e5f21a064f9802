"""The life cycle: a channel is proposed, assessed, approved, live; suspended when it must stop; retired in the end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from sqlalchemy.orm import Session

from onhand_channels.services.channel_rules import possible
from onhand_channels.services.checklist import checklist
from onhand_channels.services.registry import LOCK, channels_by_code
from onhand_channels.services.steps import record
from onhand_channels.states import GOVERNED, REASONED, TRANSITIONS, may_become
from onhand_channels.values import Advance, Advanced, ChannelRef, Check, Stayed

__all__ = ["advance", "judge"]

MOVE = """
/* lifecycle.move */ UPDATE channels.channel c SET state = d.state
FROM unnest(%s::int[], %s::text[]) AS d (id, state) WHERE c.id = d.id
"""
Checks = Mapping[int, Sequence[Check]]


def advance(session: Session, wishes: Sequence[Advance], *, by: Actor, now: datetime) -> list[Advanced | Stayed]:
    """Move each channel to the state wished for, or say why it stays; one answer per wish, in the order given.

    On the way to live the whole checklist must be fulfilled, judged here and now at every step. Channels are locked
    first, so of two who move one at once the second judges what the first left. Every step is kept in the channel's
    history with the checklist as it was, and in the audit trail. Whoever is taking events in just now ends that first.
    """
    cursor(session).execute(LOCK, (text_array(possible([wish.code for wish in wishes])),))
    answers, checks = _judge(session, wishes, now)
    moved = [answer for answer in answers if isinstance(answer, Advanced)]
    if moved:
        _move(session, moved, checks, by=by, now=now)
    return answers


def judge(session: Session, wishes: Sequence[Advance], *, now: datetime) -> list[Advanced | Stayed]:
    """Say what `advance` would answer now, and move nothing."""
    return _judge(session, wishes, now)[0]


def _judge(session: Session, wishes: Sequence[Advance], now: datetime) -> tuple[list[Advanced | Stayed], Checks]:
    known = {ref.code: ref for ref in channels_by_code(session, [wish.code for wish in wishes])}
    governed = {
        wish.code: known[wish.code]
        for wish in wishes
        if wish.code in known and (known[wish.code].state, wish.to) in GOVERNED
    }
    checks = checklist(session, list(governed.values()), now=now) if governed else {}
    answers: list[Advanced | Stayed] = []
    moved: set[str] = set()
    for wish in wishes:
        ref = known.get(wish.code)
        if ref is None:
            answers.append(Stayed(wish.code, None, "unknown", f"there is no channel {wish.code!r}"))
            continue
        refusal = _refusal(wish, ref, checks.get(ref.id, ()), is_again=wish.code in moved)
        if refusal is None:
            moved.add(wish.code)
        answers.append(refusal or Advanced(ref, ref.state, wish.to, wish.reason))
    return answers, checks


def _refusal(wish: Advance, ref: ChannelRef, checks: Sequence[Check], *, is_again: bool) -> Stayed | None:
    """Return why a channel stays where it is, if it does."""

    def stay(reason: str, detail: str, unmet: Sequence[Check] = ()) -> Stayed:
        return Stayed(wish.code, ref.state, reason, detail, tuple(unmet))

    if is_again:
        return stay("twice", "this channel is there twice: take one step at a time")
    if wish.expected is not None and wish.expected != ref.state:
        return stay(
            "moved_meanwhile", f"you saw it {wish.expected}, it is {ref.state} by now: look again, then decide"
        )  # fmt: skip
    if not may_become(ref.state, wish.to):
        after = " or ".join(TRANSITIONS[ref.state])
        may = f"it may become {after}" if after else "that is its end"
        return stay("illegal_step", f"a channel that is {ref.state} cannot become {wish.to}; {may}")
    if wish.to in REASONED and not wish.reason.strip():
        return stay("reason_missing", f"say why it shall be {wish.to}")
    unmet = [check for check in checks if not check.is_fulfilled]
    if unmet and (ref.state, wish.to) in GOVERNED:
        return stay("not_ready", f"not fulfilled yet: {'; '.join(check.title for check in unmet)}", unmet)
    return None


def _move(session: Session, moved: Sequence[Advanced], checks: Checks, *, by: Actor, now: datetime) -> None:
    ids, states = int_array([one.channel.id for one in moved]), text_array([one.to for one in moved])
    cursor(session).execute(MOVE, (ids, states))
    steps = [
        (
            one.channel, one.came_from, one.to, one.reason,
            [msgspec.to_builtins(check) for check in checks[one.channel.id]]
            if (one.came_from, one.to) in GOVERNED else None,
        )
        for one in moved
    ]  # fmt: skip
    record(session, steps, by=by, now=now)
    for one in moved:
        audit.record(
            session, by=by, action="channels.advance", subject=f"channel:{one.channel.code}",
            before={"state": one.came_from}, after={"state": one.to}, reason=one.reason or None,
            entity_id=one.channel.entity_id,
        )  # fmt: skip
