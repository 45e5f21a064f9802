"""REST below `/api/v1/channels/{code}`: the life of a channel."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

import msgspec
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import in_scope, requires
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.schemas import lifecycle as wire
from onhand_channels.states import TRANSITIONS
from onhand_channels.values import Advance, Waits
from onhand_channels.views.advancing import take_step
from onhand_channels.views.asking import known_channel

__all__ = ["lifecycle_api"]

lifecycle_api = Blueprint("channels_api_life", __name__, url_prefix="/channels", description="The life of channels")


@lifecycle_api.route("/<code>/transitions")
class Transitions(MethodView):
    """The steps of a channel's life."""

    @requires("channels.read")
    @lifecycle_api.response(200, wire.StepListSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return the steps so far, newest first, and the states it may go to."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            items = [msgspec.structs.asdict(step) for step in queries.steps(session, channel)]
            return {"state": channel.state, "next": list(TRANSITIONS[channel.state]), "items": items}

        return in_scope(command)

    @requires("channels.edit")
    @lifecycle_api.arguments(wire.TransitionSchema)
    @lifecycle_api.response(200, wire.TransitionedSchema)
    def post(self, asked: dict[str, Any], code: str) -> dict[str, Any]:
        """Take a step. To approve, go live, resume or retire needs `channels.approve`; 409 says why it stays.

        Where a rule of approval demands consent it stays for now: `approval` names the request that waits.
        """
        wish = Advance(code, asked["to"], asked["reason"].strip(), asked["expected"])
        taken = take_step(wish, is_replaying=asked["replay_shadowed"])
        return {
            "code": code,
            "from_state": taken.step.came_from,
            "state": taken.step.came_from if isinstance(taken.step, Waits) else taken.step.to,
            "approval": taken.step.approval if isinstance(taken.step, Waits) else None,
            "waits_for": list(taken.step.roles) if isinstance(taken.step, Waits) else [],
            "replayed": sum(one.outcome == "posted" for one in taken.replayed),
            "left": taken.is_more_left,
        }
