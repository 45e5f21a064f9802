"""A step of a channel's life, as pages and programs ask for it: who may, and what a refusal becomes."""

from datetime import datetime

import msgspec
from msgspec import Struct
from onhand import problems
from onhand.access import actor, in_scope
from sqlalchemy.orm import Session

from onhand_channels.services import request_steps
from onhand_channels.states import LIVE, PERMISSION
from onhand_channels.values import Advance, Advanced, Outcome, Stayed, Waits
from onhand_channels.views.asking import demand_whole_entities, known_channel, may_in
from onhand_channels.views.replaying import replay_all

__all__ = ["StepTaken", "take_step"]


class StepTaken(Struct, frozen=True):
    """A step that was taken or waits for consent, and what became of the shadowed events if they were to be replayed."""

    step: Advanced | Waits
    replayed: list[Outcome]
    is_more_left: bool


def take_step(wish: Advance, *, is_replaying: bool = False) -> StepTaken:
    """Let a channel take a step, and then, if it went live so, replay what it told before; or ask for others' consent.

    Problems: 403 without the permission the step takes, 409 where it is not legal or not ready, 422 without its reason.
    """
    permission = PERMISSION[wish.to]
    if is_replaying and wish.to != LIVE:
        raise problems.Invalid(
            "only a channel that goes live can replay what it told before",
            errors=[problems.field_error("replay_shadowed", "only when it goes live", "true")],
        )
    demand_whole_entities("channels.edit")

    def command(session: Session, now: datetime) -> Advanced | Waits | Stayed:
        channel = known_channel(session, wish.code)
        if not may_in(permission, channel.entity_id):
            raise problems.Forbidden(f"to make it {wish.to} needs {permission} in the whole of its entity")
        if is_replaying and not may_in("channels.replay", channel.entity_id):
            raise problems.Forbidden("to replay what it told before needs channels.replay")
        return request_steps(session, [wish], by=actor(), now=now)[0]

    answer = in_scope(command)
    if isinstance(answer, Stayed):
        raise _problem(answer)
    if not is_replaying or isinstance(answer, Waits):
        return StepTaken(answer, [], False)
    results, left = replay_all(wish.code, outcome="shadowed")
    return StepTaken(answer, results, left is not None)


def _problem(stayed: Stayed) -> problems.Problem:
    if stayed.reason == "unknown":
        return problems.NotFound("there is no such channel")
    if stayed.reason == "reason_missing":
        return problems.Invalid(stayed.detail, errors=[problems.field_error("reason", stayed.detail, "")])
    unmet = [msgspec.to_builtins(check) for check in stayed.unmet]
    return problems.Conflict(stayed.detail, reason=stayed.reason, state=stayed.state, unmet=unmet)
