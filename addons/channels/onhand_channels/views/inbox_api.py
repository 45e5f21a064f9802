"""REST below `/api/v1/channels/{code}`: its events, replay, conflicts, latency, order lines."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime, timedelta
from typing import Any

import msgspec
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_channels import queries, reasons
from onhand_channels.listings import CONFLICT_ORDER, EVENT_ORDER, EventFilter, conflicts_listed, events_listed
from onhand_channels.schemas import resources as wire
from onhand_channels.services import latency, settle_conflicts
from onhand_channels.values import Outcome
from onhand_channels.views.asking import demand_whole_entities, known_channel
from onhand_channels.views.replaying import replay_all, replay_ids

__all__ = ["inbox_api"]

inbox_api = Blueprint("channels_api_inbox", __name__, url_prefix="/channels", description="What channels told")


@inbox_api.route("/<code>/events")
class Events(MethodView):
    """What a channel told."""

    @requires("channels.read")
    @inbox_api.arguments(wire.EventQuerySchema, location="query")
    @inbox_api.response(200, wire.EventListSchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, Any]:
        """List events, newest first."""
        narrowed = EventFilter(wanted.get("outcome"), wanted.get("reason"), wanted.get("type"), wanted.get("id"))

        def command(session: Session, _: datetime) -> dict[str, Any]:
            query = events_listed(known_channel(session, code), narrowed)
            found = page(session, query, EVENT_ORDER, wanted.get("cursor"), wanted["limit"])
            rows = [{**row._mapping, "id": row.event_id, "mend": _mend(row.reason)} for row in found["items"]]
            return {"items": rows, "next": found["next"]}

        return in_scope(command)


@inbox_api.route("/<code>/event")
class OneEvent(MethodView):
    """One event. Its id is in the query: it may hold anything, slashes and dots too, which paths do not survive."""

    @requires("channels.read")
    @inbox_api.arguments(wire.OneEventQuerySchema, location="query")
    @inbox_api.response(200, wire.EventDetailSchema)
    def get(self, wanted: dict[str, str], code: str) -> dict[str, Any]:
        """Return an event with its body, the ledger entries it made, and what else came under its id."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            kept = queries.event(session, channel, wanted["id"])
            if kept is None:
                raise problems.NotFound("there is no such event")
            return {
                **msgspec.structs.asdict(kept),
                "mend": _mend(kept.reason),
                "entries": queries.entries(session, channel, kept),
                "conflicts": queries.conflicts_of(session, channel, kept.id),
            }

        return in_scope(command)


@inbox_api.route("/<code>/replay", methods=["POST"])
@requires("channels.replay")
@inbox_api.arguments(wire.ReplaySchema)
@inbox_api.response(200, wire.ReplayedSchema)
def post_replay(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Try parked events again, 1,000 at once. Twice is harmless: what is posted by now is passed over."""
    if asked["ids"] is not None:
        return {"results": _results(replay_ids(code, asked["ids"])), "next": None}
    results, left = replay_all(code, asked["after"], rounds=1)
    return {"results": _results(results), "next": left}


@inbox_api.route("/<code>/conflicts")
class Conflicts(MethodView):
    """Bodies that came under the id of another event."""

    @requires("channels.read")
    @inbox_api.arguments(wire.ConflictQuerySchema, location="query")
    @inbox_api.response(200, wire.ConflictListSchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, Any]:
        """List conflicts, newest first."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            query = conflicts_listed(known_channel(session, code), is_settled=wanted["status"] == "settled")
            found = page(session, query, CONFLICT_ORDER, wanted.get("cursor"), wanted["limit"])
            rows = [{**row._mapping, "id": row.event_id} for row in found["items"]]
            return {"items": rows, "next": found["next"]}

        return in_scope(command)


@inbox_api.route("/<code>/conflicts/settle", methods=["POST"])
@requires("channels.replay")
@inbox_api.arguments(wire.SettleSchema)
@inbox_api.response(200, wire.SettledSchema)
def post_settle(asked: dict[str, Any], code: str) -> dict[str, Any]:
    """Say of events that came with several bodies what was found. The first body stands. Twice is harmless."""
    demand_whole_entities("channels.replay")

    def command(session: Session, now: datetime) -> dict[str, Any]:
        channel = known_channel(session, code, "channels.replay")
        return {"ids": settle_conflicts(session, channel, asked["ids"], asked["note"], by=actor(), now=now)}

    return in_scope(command)


@inbox_api.route("/<code>/latency")
class LatencyReport(MethodView):
    """How late a channel tells."""

    @requires("channels.read")
    @inbox_api.arguments(wire.LatencyQuerySchema, location="query")
    @inbox_api.response(200, wire.LatencyReportSchema)
    def get(self, wanted: dict[str, int], code: str) -> dict[str, Any]:
        """Report latencies: recorded less occurred, of the events posted in the last hours."""

        def command(session: Session, now: datetime) -> dict[str, Any]:
            channel = known_channel(session, code)
            limit = latency.limit_of(session, channel, now)
            found = latency.report(session, [channel], since=now - timedelta(hours=wanted["hours"]))
            types = [
                {
                    **msgspec.structs.asdict(one),
                    "breach": one.p95_seconds > latency.limit_of(session, channel, now, one.type),
                }
                for one in found
            ]
            return {"channel": code, "hours": wanted["hours"], "limit_seconds": limit, "types": types}

        return in_scope(command)


@inbox_api.route("/<code>/order_lines")
class OrderLines(MethodView):
    """What is known of an order."""

    @requires("channels.read")
    @inbox_api.arguments(wire.OrderQuerySchema, location="query")
    @inbox_api.response(200, wire.OrderLineListSchema)
    def get(self, wanted: dict[str, str], code: str) -> dict[str, Any]:
        """List the lines of an order: ordered, cancelled, fulfilled, returned."""
        return in_scope(
            lambda session, _: {"items": queries.order_lines(session, known_channel(session, code), wanted["order"])}
        )


def _mend(reason: str | None) -> str | None:
    return reasons.mend(reason) or None if reason else None


def _results(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(outcome) for outcome in outcomes]
