"""Degradation: promise less through a channel that is not well, by policy or by hand."""

from collections.abc import Sequence
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor, int_array, text_array
from onhand.policies.services import resolve
from sqlalchemy.orm import Session

from onhand_channels.services.channel_rules import possible
from onhand_channels.services.checklist import PLAN
from onhand_channels.services.health import health_of
from onhand_channels.services.lifecycle import advance
from onhand_channels.services.registry import LOCK, channels_by_code, channels_of
from onhand_channels.states import SUSPENDED
from onhand_channels.values import Advance, ChannelRef, Degrade, Degraded, Stayed

__all__ = ["BUFFER_RAISE", "MODES", "PLAN", "degrade", "watch"]

BUFFER_RAISE = "channels.degraded_buffer"
NORMAL, RAISE_BUFFER, STOP_HOLDS, SUSPEND = MODES = ("normal", "raise_buffer", "stop_holds", "suspend")
"""What each does: nothing; keep back more units of everything; make no new holds; suspend the channel."""
AUTOMATIC = "automatic"
WATCH = Actor.system("channel-watch")
SET = """
/* degradation.set */ UPDATE channels.channel c SET mode = d.mode, mode_by = d.chosen, mode_reason = d.reason,
  mode_since = %s, buffer_raise = d.raise
FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::int[]) AS d (id, mode, chosen, reason, raise)
WHERE c.id = d.id
"""


def degrade(session: Session, wishes: Sequence[Degrade], *, by: Actor, now: datetime) -> list[Degraded | Stayed]:
    """Choose by hand how far live channels are degraded, until somebody chooses `automatic` again; one answer per wish.

    `suspend` is the step to suspended, for good until somebody resumes. What is open stays open: only what is new is less.
    """
    cursor(session).execute(LOCK, (text_array(possible([wish.code for wish in wishes])),))
    known = {ref.code: ref for ref in channels_by_code(session, [wish.code for wish in wishes])}
    answers: list[Degraded | Stayed] = []
    chosen: list[tuple[ChannelRef, str, str, str]] = []
    for wish in wishes:
        ref = known.get(wish.code)
        if ref is None or not ref.active:
            why = "there is no such channel" if ref is None else f"it is {ref.state}: only a live channel is degraded"
            answers.append(Stayed(wish.code, ref.state if ref else None, "not_live" if ref else "unknown", why))
        elif wish.mode not in (*MODES, AUTOMATIC):
            answers.append(Stayed(wish.code, ref.state, "unknown_mode", f"one of {', '.join((*MODES, AUTOMATIC))}"))
        elif not wish.reason.strip():
            answers.append(Stayed(wish.code, ref.state, "reason_missing", f"say why it shall be {wish.mode}"))
        elif wish.mode == SUSPEND:
            [step] = advance(session, [Advance(wish.code, SUSPENDED, wish.reason)], by=by, now=now)
            answers.append(step if isinstance(step, Stayed) else Degraded(ref, ref.mode, SUSPEND))
        else:
            mode = NORMAL if wish.mode == AUTOMATIC else wish.mode
            chosen.append((ref, mode, "policy" if wish.mode == AUTOMATIC else "hand", wish.reason))
            answers.append(Degraded(ref, ref.mode, mode))
    _set(session, chosen, by=by, now=now)
    return answers


def watch(session: Session, entities: Sequence[int], *, now: datetime) -> list[Degraded]:
    """Degrade live channels that are not well as their plan says, and bring back those that are well again.

    What was chosen by hand is left alone, and a suspended channel is resumed by people only. Twice is harmless.
    """
    live = [ref for ref in channels_of(session, entities) if ref.active]
    if not live:
        return []
    cursor(session).execute(LOCK, (text_array([ref.code for ref in live]),))
    live = [ref for ref in channels_by_code(session, [ref.code for ref in live]) if ref.active and not ref.is_by_hand]
    healths = health_of(session, live, now=now) if live else {}
    changed: list[tuple[ChannelRef, str, str, str]] = []
    suspended: list[tuple[ChannelRef, str]] = []
    for ref in live:
        faults = "; ".join(healths[ref.id].faults)
        plan = str(resolve(session, PLAN, ref.where, at=now))
        mode = plan if faults and plan in MODES else NORMAL
        if mode == SUSPEND:
            suspended.append((ref, faults))
        elif mode != ref.mode:
            changed.append((ref, mode, "policy", faults or "well again"))
    _set(session, changed, by=WATCH, now=now)
    if suspended:
        wishes = [Advance(ref.code, SUSPENDED, faults) for ref, faults in suspended]
        advance(session, wishes, by=WATCH, now=now)
    return [
        *(Degraded(ref, ref.mode, mode) for ref, mode, _, _ in changed),
        *(Degraded(ref, ref.mode, SUSPEND) for ref, _ in suspended),
    ]


def _set(
    session: Session, chosen: Sequence[tuple[ChannelRef, str, str, str]], *, by: Actor, now: datetime
) -> None:  # fmt: skip
    if not chosen:
        return
    raises = [
        int(resolve(session, BUFFER_RAISE, ref.where, at=now)) if mode == RAISE_BUFFER else 0
        for ref, mode, _, _ in chosen
    ]  # fmt: skip
    columns = (
        int_array([ref.id for ref, _, _, _ in chosen]),
        text_array([mode for _, mode, _, _ in chosen]),
        text_array([how for _, _, how, _ in chosen]),
        text_array([reason for _, _, _, reason in chosen]),
        int_array(raises),
    )
    cursor(session).execute(SET, (now, *columns))
    for ref, mode, how, reason in chosen:
        audit.record(
            session, by=by, action="channels.degrade", subject=f"channel:{ref.code}", before={"mode": ref.mode},
            after={"mode": mode, "chosen_by": how}, reason=reason, entity_id=ref.entity_id,
        )  # fmt: skip
