"""REST below `/api/v1/channels/{code}/feed`: how a channel's availability feed is, and another try for what was parked."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import actor, in_scope, requires
from sqlalchemy.orm import Session

from onhand_channels.schemas import feed as wire
from onhand_channels.services import feeding
from onhand_channels.views.asking import demand_whole_entities, known_channel
from onhand_channels.views.feed_page import feed_of

__all__ = ["feed_api"]

feed_api = Blueprint(
    "channels_api_feed", __name__, url_prefix="/channels", description="Availability brought to channels"
)


@feed_api.route("/<code>/feed")
class Feed(MethodView):
    """How a channel's feed is."""

    @requires("channels.read")
    @feed_api.response(200, wire.FeedSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return what is due, parked and stale of a channel's feed, its lag over the last hour, and what was parked last."""
        return in_scope(lambda session, now: feed_of(session, known_channel(session, code), now))


@feed_api.post("/<code>/feed/retry")
@requires("channels.replay")
@feed_api.response(200, wire.RetriedSchema)
def retry(code: str) -> dict[str, int]:
    """Have what was parked tried again from the first attempt. Twice is harmless."""
    demand_whole_entities("channels.replay")

    def command(session: Session, now: datetime) -> dict[str, int]:
        channel = known_channel(session, code, "channels.replay")
        return {"keys": feeding.retry_numbers(session, channel, by=actor(), now=now)}

    return in_scope(command)
