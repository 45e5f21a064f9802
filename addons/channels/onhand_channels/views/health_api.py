"""REST below `/api/v1/channels/{code}`: its health, and how far it is degraded."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

import msgspec
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from sqlalchemy.orm import Session

from onhand_channels.schemas import health as wire
from onhand_channels.services import degrade, health_of
from onhand_channels.values import Degrade, Degraded, Stayed
from onhand_channels.views.asking import demand_whole_entities, known_channel

__all__ = ["health_api"]

health_api = Blueprint("channels_api_health", __name__, url_prefix="/channels", description="How channels are")


@health_api.route("/<code>/health")
class ChannelHealth(MethodView):
    """How a channel is."""

    @requires("channels.read")
    @health_api.response(200, wire.HealthSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return what the last hour says of a channel, what of it is beyond its policies, and how far it is degraded."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            found = msgspec.structs.asdict(health_of(session, [channel], now=now)[channel.id])
            chosen_by = "hand" if channel.is_by_hand else "policy"
            return found | {"state": channel.state, "mode": channel.mode, "chosen_by": chosen_by}

        return in_scope(command)


@health_api.post("/<code>/mode")
@requires("channels.edit")
@health_api.arguments(wire.ModeSchema)
@health_api.response(200, wire.ModeChosenSchema)
def choose(asked: dict[str, str], code: str) -> dict[str, Any]:
    """Choose by hand how far a live channel is degraded; `automatic` leaves it to its degradation plan again."""
    demand_whole_entities("channels.edit")

    def command(session: Session, now: datetime) -> Degraded | Stayed:
        known_channel(session, code, "channels.edit")
        wish = Degrade(code, asked["mode"], asked["reason"])
        return degrade(session, [wish], by=actor(), now=now)[0]

    answer = in_scope(command)
    if isinstance(answer, Stayed):
        raise problems.Conflict(answer.detail, reason=answer.reason, state=answer.state)
    return {"code": code, "before": answer.before, "mode": answer.mode}
