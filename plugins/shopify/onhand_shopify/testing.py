"""Makers for tests, of this add-on and of those that build on it."""

from collections.abc import Mapping
from datetime import datetime
from itertools import count

import msgspec
from flask import current_app
from onhand.actors import Actor
from onhand.testing.samples import Place, Sample
from onhand_channels.api import ChannelRef
from sqlalchemy.orm import Session

from onhand_shopify import services
from onhand_shopify.values import Connect, LocationRow

__all__ = ["SECRET", "TESTER", "connect_shop", "samples"]

TESTER = Actor.system("test")
SECRET = "only for tests"  # noqa: S105 - no secret: tests alone use it
_numbers = count(1)


def connect_shop(
    session: Session, now: datetime, channel: ChannelRef, domain: str | None = None, *,
    locations: Mapping[int, int] | None = None, client_id: str | None = None, version: str = "2026-10",
) -> ChannelRef:  # fmt: skip
    """Connect a channel to a shop whose locations, by Shopify's ids, are these of ours by their ids."""
    token = None if client_id else "shpat_test"
    wish = Connect(channel.code, domain or f"shop-{next(_numbers)}.myshopify.com", version, client_id, SECRET, token)
    site_secret = current_app.extensions["onhand_settings"].secret_key
    faults = services.connect(session, channel, wish, site_secret=site_secret, by=TESTER, now=now)
    if faults:
        raise ValueError(f"not connected: {faults}")
    places = dict(locations or {})
    services.save_locations(session, channel.id, [LocationRow(one, f"Location {one}") for one in places])
    services.map_locations(session, channel, places, by=TESTER, now=now)
    return channel


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A shop of the place's channel, and a webhook of it that is parked."""
    channel = place.things["channel"]
    connect_shop(session, now, channel, locations={1: place.things["location"].id})
    body = msgspec.json.encode(
        {"id": 1, "created_at": "2026-01-05T08:00:00Z", "name": place.text, "line_items": [{"id": 1, "quantity": 1}]}
    )
    services.keep(session, channel.id, "sample", "orders/create", body, now=now)
    ids = services.waiting(session, channel.id, levels_until=now)
    services.take(session, channel, ids, by=TESTER, now=now)
    return {
        "shopify/code": Sample(channel.code, at_location=True),
        "deliveries/delivery_id": Sample(str(ids[0]), at_location=True),
    }
