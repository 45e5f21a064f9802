"""REST under `/api/v1/shopify`: shops by the code of their channel."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from flask.views import MethodView
from flask_smorest import Blueprint
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.entities import entity_codes
from onhand.rest import page
from onhand_master_data.api import resolve_locations
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, schemas, services
from onhand_shopify.queries import ShopState
from onhand_shopify.values import Connect
from onhand_shopify.views.asking import connected, demand_whole, known_shop, reached_shops, webhook_address

__all__ = ["shopify_api"]

shopify_api = Blueprint("shopify_api", __name__, url_prefix="/shopify", description="Shopify shops and their channels")


@shopify_api.route("")
class Shops(MethodView):
    """Shops."""

    @requires("shopify.read")
    @shopify_api.response(200, schemas.ShopListSchema)
    def get(self) -> dict[str, Any]:
        """List shops by the codes of their channels."""
        return in_scope(lambda session, _: {"items": _told(session, reached_shops(session)), "next": None})


@shopify_api.route("/<code>")
class OneShop(MethodView):
    """The shop of a channel."""

    @requires("shopify.read")
    @shopify_api.response(200, schemas.ShopSchema)
    def get(self, code: str) -> dict[str, Any]:
        """Return the shop that a channel is connected to, or was."""
        return in_scope(lambda session, _: _told(session, [known_shop(session, code)[1]])[0])

    @requires("shopify.edit")
    @shopify_api.arguments(schemas.ConnectShopSchema)
    @shopify_api.response(200, schemas.ShopSchema)
    def put(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Connect a channel to a shop, or change how; its locations and items are read at once."""
        demand_whole()

        def command(session: Session, now: datetime) -> dict[str, Any]:
            faults = connected(session, Connect(code, **given), now)
            if faults:
                raise problems.Invalid(errors=[problems.field_error(fault.field, fault.detail) for fault in faults])
            return _told(session, [known_shop(session, code, "shopify.edit")[1]])[0]

        return in_scope(command)

    @requires("shopify.edit")
    @shopify_api.response(204)
    def delete(self, code: str) -> None:
        """Forget a shop's secrets: nothing is published to it, no webhook taken. Twice is harmless."""
        demand_whole()
        in_scope(
            lambda session, _: services.disconnect(session, known_shop(session, code, "shopify.edit")[0], by=actor())
        )


@shopify_api.route("/<code>/locations")
class Locations(MethodView):
    """A shop's locations."""

    @requires("shopify.read")
    @shopify_api.response(200, schemas.ShopLocationListSchema)
    def get(self, code: str) -> dict[str, Any]:
        """List a shop's locations and which of ours they are."""
        return in_scope(lambda session, _: _locations(session, known_shop(session, code)[0].id))

    @requires("shopify.edit")
    @shopify_api.arguments(schemas.MapLocationsSchema)
    @shopify_api.response(200, schemas.ShopLocationListSchema)
    def patch(self, given: dict[str, Any], code: str) -> dict[str, Any]:
        """Say which of our locations some of a shop's are. What was parked for want of it is told."""
        demand_whole()

        def command(session: Session, now: datetime) -> dict[str, Any]:
            channel, _shop = known_shop(session, code, "shopify.edit")
            wanted = _wanted(session, channel.id, channel.entity_id, given["locations"])
            services.map_locations(session, channel, wanted, by=actor(), now=now)
            jobs.have_taken(session, channel.entity_id, code)
            return _locations(session, channel.id)

        return in_scope(command)


@shopify_api.route("/<code>/read", methods=["POST"])
@requires("shopify.edit")
@shopify_api.response(202)
def read_now(code: str) -> None:
    """Have a shop's locations and items read. Twice is harmless: it waits once."""
    demand_whole()

    def command(session: Session, _: datetime) -> None:
        channel, _shop = known_shop(session, code, "shopify.edit")
        jobs.have_read(session, channel.entity_id, code)

    in_scope(command)


@shopify_api.route("/<code>/deliveries")
class Deliveries(MethodView):
    """Webhooks."""

    @requires("shopify.read")
    @shopify_api.arguments(schemas.ShopDeliveryQuerySchema, location="query")
    @shopify_api.response(200, schemas.ShopDeliveryListSchema)
    def get(self, wanted: dict[str, Any], code: str) -> dict[str, Any]:
        """List a shop's webhooks, newest first."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            channel, _shop = known_shop(session, code)
            query = queries.deliveries(channel.id, wanted["outcome"])
            found = page(session, query, queries.NEWEST, wanted.get("cursor"), wanted["limit"])
            return {"items": [dict(row._mapping) for row in found["items"]], "next": found["next"]}

        return in_scope(command)


@shopify_api.route("/<code>/replay", methods=["POST"])
@requires("shopify.edit")
@shopify_api.arguments(schemas.ReplayDeliveriesSchema)
@shopify_api.response(200, schemas.DeliveriesDoneSchema)
def post_replay(asked: dict[str, Any], code: str) -> dict[str, int]:
    """Have parked webhooks looked at again, 1,000 at once. Twice is harmless: a fact is told once."""
    demand_whole()

    def command(session: Session, _: datetime) -> dict[str, int]:
        channel, _shop = known_shop(session, code, "shopify.edit")
        done = services.replay(session, channel, asked["ids"], by=actor())
        if done:
            jobs.have_taken(session, channel.entity_id, code)
        return {"deliveries": done}

    return in_scope(command)


@shopify_api.route("/<code>/set_aside", methods=["POST"])
@requires("shopify.edit")
@shopify_api.arguments(schemas.SetAsideDeliveriesSchema)
@shopify_api.response(200, schemas.DeliveriesDoneSchema)
def post_set_aside(asked: dict[str, Any], code: str) -> dict[str, int]:
    """Be done with parked webhooks that will never be told. Twice is harmless."""
    demand_whole()
    ids: list[UUID] = asked["ids"]

    def command(session: Session, _: datetime) -> dict[str, int]:
        channel, _shop = known_shop(session, code, "shopify.edit")
        return {"deliveries": services.set_aside(session, channel, ids, asked["reason"], by=actor())}

    return in_scope(command)


def _told(session: Session, shops: list[ShopState]) -> list[dict[str, Any]]:
    codes = entity_codes(session)
    return [
        {**msgspec.structs.asdict(shop), "channel": shop.code, "entity": codes[shop.entity_id],
         "webhooks": webhook_address(shop.code)}
        for shop in shops
    ]  # fmt: skip


def _locations(session: Session, channel_id: int) -> dict[str, Any]:
    return {"items": [msgspec.structs.asdict(one) for one in queries.locations_of(session, channel_id)], "next": None}


def _wanted(session: Session, channel_id: int, entity_id: int, given: list[dict[str, Any]]) -> dict[int, int | None]:
    """Return our location's id per one of the shop's; Invalid where one is unknown, or ours are given twice."""
    ours = resolve_locations(session, [one["location"] for one in given if one["location"]])
    theirs = {one.shopify_id: one.location_id for one in queries.locations_of(session, channel_id)}
    errors, wanted = [], dict[int, int | None]()
    for n, one in enumerate(given):
        place = ours.get(one["location"] or "")
        if one["location"] and (place is None or place.entity_id != entity_id):
            errors.append(
                problems.field_error(f"locations[{n}].location", "there is no such active location", one["location"])
            )
        elif one["shopify_id"] not in theirs:
            errors.append(
                problems.field_error(f"locations[{n}].shopify_id", "the shop has no such location", one["shopify_id"])
            )
        else:
            wanted[one["shopify_id"]] = place.id if place else None
    taken = [to for to in (theirs | wanted).values() if to is not None]
    if len(taken) != len(set(taken)):
        errors.append(problems.field_error("locations", "two of the shop's locations would be one of ours"))
    if errors:
        raise problems.Invalid(errors=errors)
    return wanted
