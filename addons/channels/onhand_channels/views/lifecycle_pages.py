"""HTML under `/channels/<code>/`: a channel's life, and the steps it may take."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand import problems
from onhand.access import in_scope, requires
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.services import checklist
from onhand_channels.states import LIVE, MEANS, PERMISSION, REASONED, RETIRED, SHADOWS, STATES, SUSPENDED, TRANSITIONS
from onhand_channels.values import Advance, ChannelRef, Waits
from onhand_channels.views.advancing import take_step
from onhand_channels.views.asking import known_channel, may_in
from onhand_channels.views.pages import channels

__all__ = ["lifecycle_pages"]

lifecycle_pages = channels
STATE_COLUMNS = [
    Column("state", "State"),
    Column("means", "What it means"),
    Column("reached_at", "Reached", "time"),
    Column("by", "By"),
]
STEP_COLUMNS = [
    Column("to_state", "Step"),
    Column("recorded_at", "When", "time"),
    Column("actor_name", "By"),
    Column("reason", "Why"),
]
CHECK_COLUMNS = [Column("title", "Item"), Column("is_fulfilled", "State"), Column("detail", "Why")]
VERBS = {
    "proposed": ("Send back to proposed", "arrow-back-up"),
    "assessed": ("Assess", "checklist"),
    "approved": ("Approve", "check"),
    "live": ("Go live", "player-play"),
    "suspended": ("Suspend", "player-pause"),
    "retired": ("Retire", "ban"),
}
assert VERBS.keys() == set(STATES)  # noqa: S101 - each state has its verb


@channels.get("/<code>/life")
@requires("channels.read")
def life(code: str) -> str:
    """Show where a channel is in its life, how it came there, and the steps it may take."""
    return render_template(
        "channels/life.html",
        state_columns=STATE_COLUMNS,
        step_columns=STEP_COLUMNS,
        check_columns=CHECK_COLUMNS,
        **in_scope(lambda session, now: _life(session, code, now)),
    )


@channels.post("/<code>/life")
@requires("channels.edit")
def step(code: str) -> ResponseReturnValue:
    """Let a channel take a step."""
    to = request.form.get("to", "")
    if to not in STATES:
        raise problems.Invalid("there is no such state", errors=[problems.field_error("to", "no such state", to)])
    reason = filled("reason")
    wish = Advance(code, to, reason, request.form.get("expected") or None)
    try:
        taken = take_step(wish, is_replaying=request.form.get("replay") == "1")
    except (problems.Conflict, problems.Invalid) as refusal:
        flash(f"It stays as it is: {refusal.detail}.", "bad")
    else:
        if isinstance(taken.step, Waits):
            flash(f"Asked for. It waits for the consent of: {', '.join(taken.step.roles)}.", "info")
        else:
            posted = sum(one.outcome == "posted" for one in taken.replayed)
            flash(f"It is {to} now." + (f" {posted:,} shadowed events replayed." if taken.replayed else ""), "good")
    return redirect(url_for("channels.life", code=code), 303)


def _life(session: Session, code: str, now: datetime) -> dict[str, Any]:
    ref = known_channel(session, code)
    steps = queries.steps(session, ref)
    reached = {step.to_state: step for step in reversed(steps)}
    return {
        "channel": ref,
        "states": [_state(state, ref, reached.get(state)) for state in STATES],
        "steps": steps,
        "checks": checklist(session, [ref], now=now)[ref.id] if ref.is_shadow else [],
        "next_steps": _next(ref),
    }


def _state(state: str, ref: ChannelRef, reached: queries.StepRow | None) -> dict[str, Any]:
    return {
        "state": state,
        "is_current": state == ref.state,
        "means": MEANS[state],
        "reached_at": reached.recorded_at if reached else None,
        "by": reached.actor_name if reached else None,
    }


def _next(ref: ChannelRef) -> list[dict[str, Any]]:
    """Return the steps a channel may take that the one who asks may let it take."""
    return [
        {
            "to": state,
            "label": "Resume" if ref.state == SUSPENDED and state == LIVE else VERBS[state][0],
            "symbol": VERBS[state][1],
            "tone": "danger" if state in (SUSPENDED, RETIRED) else "plain" if state in REASONED else "primary",
            "means": MEANS[state],
            "is_reasoned": state in REASONED,
            "may_replay": state == LIVE and ref.state in SHADOWS,
        }
        for state in TRANSITIONS[ref.state]
        if may_in(PERMISSION[state], ref.entity_id) and may_in("channels.edit", ref.entity_id)
    ]
