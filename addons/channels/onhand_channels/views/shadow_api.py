"""REST below `/api/v1/channels/{code}/shadow`: what a channel told before it was live; and its checklist."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

import msgspec
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import in_scope, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_channels import shadow_report
from onhand_channels.listings import SHADOW_ORDER, shadow_lines_listed
from onhand_channels.schemas import lifecycle as wire
from onhand_channels.schemas.resources import PageQuerySchema, ReplayedSchema, ReplaySchema
from onhand_channels.services import checklist
from onhand_channels.views.asking import demand_whole_entities, known_channel
from onhand_channels.views.replaying import replay_all, replay_ids

__all__ = ["shadow_api"]

shadow_api = Blueprint("channels_api_shadow", __name__, url_prefix="/channels", description="Channels on their way")


@shadow_api.route("/<code>/checklist")
class Checklist(MethodView):
    """What must be so before a channel goes live."""

    @requires("channels.read")
    @shadow_api.response(200, wire.ChecklistSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return the checklist as it is now, judged by code: each item, whether it is fulfilled, and what to mend."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            items = [msgspec.structs.asdict(one) for one in checklist(session, [channel], now=now)[channel.id]]
            return {"is_fulfilled": all(one["is_fulfilled"] for one in items), "items": items}

        return in_scope(command)


@shadow_api.route("/<code>/shadow")
class Shadow(MethodView):
    """The shadow report."""

    @requires("channels.read")
    @shadow_api.response(200, wire.ShadowReportSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Sum up what a channel told before it was live, and what that would have posted. Nothing of it moved stock."""
        return in_scope(
            lambda session, _: msgspec.to_builtins(shadow_report.report(session, known_channel(session, code)))
        )


@shadow_api.route("/<code>/shadow/lines")
class ShadowLines(MethodView):
    """The lines of the shadow report."""

    @requires("channels.read")
    @shadow_api.arguments(PageQuerySchema, location="query")
    @shadow_api.response(200, wire.ShadowLineListSchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, Any]:
        """List what each line would have posted, newest first."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            query = shadow_lines_listed(known_channel(session, code))
            found = page(session, query, SHADOW_ORDER, wanted.get("cursor"), wanted["limit"])
            return {"items": shadow_report.named_lines(session, found["items"]), "next": found["next"]}

        return in_scope(command)


@shadow_api.post("/<code>/shadow/replay")
@requires("channels.replay")
@shadow_api.arguments(ReplaySchema)
@shadow_api.response(200, ReplayedSchema)
def replay_shadowed(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Carry out, as of now, what a channel told before it was live. What cannot be read is parked. Twice is harmless."""
    demand_whole_entities("channels.replay")

    def check(session: Session, _: datetime) -> None:
        channel = known_channel(session, code, "channels.replay")
        if not channel.active:
            raise problems.Conflict(f"the channel is {channel.state}: only a live one replays", state=channel.state)

    in_scope(check)
    if asked["ids"] is not None:
        results, left = replay_ids(code, asked["ids"], outcome="shadowed"), None
    else:
        results, left = replay_all(code, asked["after"], rounds=1, outcome="shadowed")
    return {"results": [msgspec.structs.asdict(one) for one in results], "next": left}
