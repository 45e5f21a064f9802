"""REST: `/api/v1/channels`, the registry."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask import url_for
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, principal, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.listings import CHANNEL_ORDER, ChannelFilter, channels_listed
from onhand_channels.schemas import resources as wire
from onhand_channels.services import change_channels, channels_by_code, create_channels, entity_codes
from onhand_channels.states import PERMISSION
from onhand_channels.values import ChannelChange, ChannelDraft, ChannelRef
from onhand_channels.views.asking import change, demand_whole_entities, known_channel, own_code, reach

__all__ = ["channels_api"]

channels_api = Blueprint("channels_api", __name__, url_prefix="/channels", description="Where demand comes from")


@channels_api.route("")
class Channels(MethodView):
    """The channels of the token's entities."""

    @requires("channels.read")
    @channels_api.arguments(wire.ChannelQuerySchema, location="query")
    @channels_api.response(200, wire.ChannelListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List channels by code."""
        narrowed = ChannelFilter(own_code(), wanted.get("q"), wanted.get("kind"), wanted.get("state"))

        def command(session: Session, _: datetime) -> dict[str, Any]:
            query = channels_listed(narrowed, reach())
            found = page(session, query, CHANNEL_ORDER, wanted.get("cursor"), wanted["limit"])
            refs = channels_by_code(session, [row.code for row in found["items"]])
            return {"items": _as_wire(session, refs), "next": found["next"]}

        return in_scope(command)

    @requires("channels.edit")
    @channels_api.arguments(wire.ChannelSchema)
    @channels_api.response(201, wire.ChannelSchema)
    def post(self, given: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
        """Propose a channel; 409 when its code is taken. Only who may approve it may create one that is live at once."""
        demand_whole_entities(PERMISSION[given["state"]])
        if not principal().may(PERMISSION[given["state"]]):
            raise problems.Forbidden("a channel that is live at once needs channels.approve; without, it is proposed")
        draft = ChannelDraft(**given | {"locations": tuple(given["locations"])})

        def command(session: Session, now: datetime) -> dict[str, Any]:
            return _as_wire(session, create_channels(session, [draft], by=actor(), now=now))[0]

        return change(command), 201, {"Location": url_for("channels_api.OneChannel", code=draft.code)}


@channels_api.route("/<code>")
class OneChannel(MethodView):
    """One channel."""

    @requires("channels.read")
    @channels_api.response(200, wire.ChannelSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return a channel of the token's entities."""
        return in_scope(lambda session, _: _as_wire(session, [known_channel(session, code)])[0])

    @requires("channels.edit")
    @channels_api.arguments(wire.ChannelPatchSchema)
    @channels_api.response(200, wire.ChannelSchema)
    def patch(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Change a channel's name, kind or locations. Its state changes by transitions."""
        demand_whole_entities("channels.edit")
        wish = dict(given)
        if "locations" in wish:
            wish["locations"] = tuple(wish["locations"])

        def command(session: Session, now: datetime) -> dict[str, Any]:
            known_channel(session, code, "channels.edit")
            return _as_wire(session, change_channels(session, [ChannelChange(code, **wish)], by=actor(), now=now))[0]

        return change(command)


def _as_wire(session: Session, channels: list[ChannelRef]) -> list[dict[str, Any]]:
    entities = entity_codes(session)
    places = queries.location_codes(session, channels)
    return [
        {
            "code": channel.code,
            "name": channel.name,
            "kind": channel.kind,
            "entity": entities[channel.entity_id],
            "locations": [places[location_id] for location_id in channel.location_ids],
            "state": channel.state,
            "active": channel.active,
        }
        for channel in channels
    ]
