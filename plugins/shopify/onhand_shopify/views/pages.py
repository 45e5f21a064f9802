"""HTML under `/shopify/`: the shops and how they are, and one of them."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.web.tables import Column
from onhand_master_data.api import location_choices
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, services
from onhand_shopify.queries import ShopState
from onhand_shopify.services.parked import TITLES
from onhand_shopify.views.asking import demand_whole, known_shop, may_edit, reached_shops, webhook_address

__all__ = ["shopify"]

shopify = Blueprint("shopify", __name__, url_prefix="/shopify", template_folder="../templates")

COLUMNS = [
    Column("name", "Channel", href=lambda row: url_for("shopify.shop", code=row.code)),
    Column("domain", "Shop"),
    Column("is_connected", "State"),
    Column("last_webhook_at", "Last webhook", "time"),
    Column("published_at", "Last number taken", "time"),
    Column("parked", "Parked", "quantity", lambda row: _parked_href(row) if row.parked else None),
    Column(
        "unmapped",
        "Locations to map",
        "quantity",
        lambda row: url_for("shopify.shop", code=row.code) + "#locations" if row.unmapped else None,
    ),
]
PARKED = [
    Column("reason", "What is missing"),
    Column("count", "Webhooks", "quantity"),
    Column("since", "Since", "time"),
]
TOPICS = (
    "orders/create", "orders/cancelled", "refunds/create", "fulfillments/create", "fulfillments/update", "inventory_levels/update",
)  # fmt: skip


@shopify.get("/")
@requires("shopify.read")
def index() -> str:
    """Show the shops and how each is."""
    rows = in_scope(lambda session, _: reached_shops(session))
    return render_template("shopify/index.html", columns=COLUMNS, rows=rows, may_edit=all(map(may_edit, scope())))


@shopify.get("/<code>")
@requires("shopify.read")
def shop(code: str) -> str:
    """Show a shop: how it is, its locations, what is parked."""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        channel, state = known_shop(session, code)
        places = location_choices(session, [channel.entity_id])
        return {
            "channel": channel,
            "shop": state,
            "locations": queries.locations_of(session, channel.id),
            "choices": [(place.id, f"{place.code} · {place.name}") for place in places],
            "parked": queries.parked_groups(session, channel.id),
            "location_facts": [
                (one.name, one.location or "None of ours") for one in queries.locations_of(session, channel.id)
            ],
            "may_edit": may_edit(channel.entity_id),
        }

    found = in_scope(load)
    return render_template(
        "shopify/shop.html", parked_columns=PARKED, titles=TITLES, topics=TOPICS, address=webhook_address(code), **found
    )


@shopify.post("/<code>/read")
@requires("shopify.edit")
def read(code: str) -> ResponseReturnValue:
    """Have a shop's locations and items read. Twice is harmless."""
    demand_whole()

    def command(session: Session, _: datetime) -> None:
        channel, _shop = known_shop(session, code, "shopify.edit")
        jobs.have_read(session, channel.entity_id, code)

    in_scope(command)
    flash("The shop is being read. What is found shows here in a moment.", "good")
    return redirect(url_for("shopify.shop", code=code), 303)


@shopify.post("/<code>/disconnect")
@requires("shopify.edit")
def disconnect(code: str) -> ResponseReturnValue:
    """Forget a shop's secrets. Twice is harmless."""
    demand_whole()
    in_scope(lambda session, _: services.disconnect(session, known_shop(session, code, "shopify.edit")[0], by=actor()))
    flash("Disconnected: its secrets are forgotten, nothing is published to it and no webhook of it is taken.", "good")
    return redirect(url_for("shopify.shop", code=code), 303)


def _parked_href(row: ShopState) -> str:
    return url_for("shopify.deliveries", code=row.code, outcome="parked")
