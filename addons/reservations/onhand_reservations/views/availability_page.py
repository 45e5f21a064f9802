"""HTML: what a channel may promise of items, and why no more: on the shelf, less what is kept back, per location."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import render_template, url_for
from onhand.access import in_scope, requires, scope
from onhand.web import Column, asked, filters
from onhand_channels.api import ChannelRef
from onhand_master_data.api import ItemRef, LocationName, describe_locations
from onhand_stock.api import balances
from sqlalchemy.orm import Session

from onhand_reservations import services, settings
from onhand_reservations.services.holding import CATALOGUE
from onhand_reservations.views.asking import READ, channels_here, reach
from onhand_reservations.views.pages import reservations

__all__ = ["available"]

SKUS_MAX = 20
SEPARATORS = re.compile(r"[\s,;]+")
COLUMNS = [
    Column("location", "Location"),
    Column("shelf", "Available", "quantity", href=lambda row: _stock(row, "available")),
    Column("buffer", "Buffer", "quantity"),
    Column("promised", "May be promised", "quantity", href=lambda row: _stock(row, "available")),
    Column("reserved", "Reserved", "quantity", href=lambda row: _stock(row, "reserved")),
]


@reservations.get("/availability")
@requires(READ)
def available() -> str:
    """Show what a channel may promise of the items named."""
    return render_template("reservations/availability.html", columns=COLUMNS, filters=filters(), **in_scope(_available))


def _available(session: Session, now: datetime) -> dict[str, Any]:
    channels = channels_here(session)
    code = asked("channel")
    channel = next((one for one in channels if code in {None, one.code}), None)
    skus = [sku for sku in dict.fromkeys(SEPARATORS.split(asked("sku") or "")) if sku][:SKUS_MAX]
    found: dict[str, Any] = {
        "channels": [(one.code, one.name) for one in channels],
        "channel": channel,
        "asked": skus,
        "as_of": now,
        "items": [],
        "unknown": [],
    }
    if channel is None or not skus:
        return found
    places = _places(session, channel)
    known = CATALOGUE.resolve(session, skus=skus).by_sku
    items = [known[sku] for sku in skus if sku in known and channel.entity_id in known[sku].entity_ids]
    by_item = _rows(session, channel, items, places, now)
    found["items"] = [(item, by_item[item.id], sum(row["promised"] for row in by_item[item.id])) for item in items]
    found["unknown"] = [sku for sku in skus if sku not in {item.sku for item in items}]
    return found


def _places(session: Session, channel: ChannelRef) -> list[LocationName]:
    """Return the channel's locations that the person may see, in the order in which they are asked."""
    seen = reach()[channel.entity_id]
    names = describe_locations(session, channel.location_ids)
    return [names[place] for place in channel.location_ids if seen is None or place in seen]


def _rows(
    session: Session, channel: ChannelRef, items: Sequence[ItemRef], places: Sequence[LocationName], now: datetime
) -> dict[int, list[dict[str, Any]]]:
    item_ids, place_ids = [item.id for item in items], [place.id for place in places]
    shelf = {
        (row.item_id, row.location_id): row.states
        for row in balances(session, scope(), item_ids=item_ids, location_ids=place_ids)
    }
    floors = settings.buffers_of(session, channel, items, place_ids, now)
    promised = services.availability(session, channel, items, place_ids, now=now)
    names = {place.id: place for place in places}
    skus = {item.id: item.sku for item in items}
    rows: dict[int, list[dict[str, Any]]] = {item_id: [] for item_id in item_ids}
    for one, floor in zip(promised, floors, strict=True):
        place = names[one.location_id or 0]
        states = shelf.get((one.item_id, place.id), {})
        rows[one.item_id].append(
            {
                "sku": skus[one.item_id],
                "code": place.code,
                "location": place.name,
                "shelf": states.get("available", 0),
                "buffer": floor,
                "promised": one.available_to_promise,
                "reserved": states.get("reserved", 0),
            }
        )
    return rows


def _stock(row: dict[str, Any], state: str) -> str:
    return url_for("stock.item", sku=row["sku"], location=row["code"], state=state, _anchor="history")
