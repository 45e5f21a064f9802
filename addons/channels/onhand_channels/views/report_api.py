"""REST below `/api/v1/channels/{code}/reports`: a channel's own numbers beside the book's."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.rest import page
from onhand_master_data.api import items_by_sku
from sqlalchemy.orm import Session

from onhand_channels.listings import REPORT_ORDER, reports_listed
from onhand_channels.schemas import reports as wire
from onhand_channels.services import acknowledge
from onhand_channels.views.asking import demand_whole_entities, known_channel
from onhand_channels.views.report_rows import located, named_reports, reported

__all__ = ["report_api"]

report_api = Blueprint("channels_api_reports", __name__, url_prefix="/channels", description="Channels' own numbers")


@report_api.route("/<code>/reports")
class Reports(MethodView):
    """A channel's own numbers."""

    @requires("channels.read")
    @report_api.arguments(wire.ReportQuerySchema, location="query")
    @report_api.response(200, wire.ReportListSchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, Any]:
        """List the newest number per location and item, beside what the book had at that moment."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            places = located(session, channel, wanted.get("location"))
            query = reports_listed(channel, is_gap=wanted.get("gap"), location_ids=places)
            found = page(session, query, REPORT_ORDER, wanted.get("cursor"), wanted["limit"])
            return {"items": named_reports(session, found["items"]), "next": found["next"]}

        return in_scope(command)


@report_api.post("/<code>/reports/acknowledge")
@requires("channels.replay")
@report_api.arguments(wire.AcknowledgeSchema)
@report_api.response(200, wire.AcknowledgedSchema)
def acknowledge_reports(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Note that the channel has taken over our numbers at a location: their gaps close. Twice is harmless; 404 for what it never told."""
    demand_whole_entities("channels.replay")

    def command(session: Session, now: datetime) -> dict[str, Any]:
        channel = known_channel(session, code, "channels.replay")
        items = {item.id: sku for sku, item in items_by_sku(session, asked["skus"]).items()}
        numbers = reported(session, channel, asked["location"], items)
        missing = sorted(set(asked["skus"]) - {items[item_id] for _, item_id in numbers})
        if missing:
            raise problems.NotFound(f"no number of {missing[0]!r} was reported at {asked['location']!r}", skus=missing)
        place = numbers[0][0]
        done = acknowledge(session, channel, place, list(items), by=actor(), now=now)
        return {"skus": sorted(items[item_id] for item_id in done)}

    return in_scope(command)
