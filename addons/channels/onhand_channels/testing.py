"""Factories for tests, of this add-on and of those that build on it: real channels and events, through the real verbs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec
from onhand.actors import Actor
from onhand.testing.samples import Place, Sample
from onhand_master_data.api import Naming, describe_locations, name_authorities
from sqlalchemy.orm import Session

from onhand_channels.services import create_channels, entity_codes, take_in
from onhand_channels.values import ChannelDraft, ChannelRef, Delivery, Outcome

__all__ = ["TESTER", "deliver", "event", "make_channel", "name_onhand", "samples"]

TESTER = Actor.system("test")
_numbers = count(1)


def make_channel(
    session: Session,
    now: datetime,
    entity_id: int,
    *location_ids: int,
    code: str | None = None,
    kind: str = "pos",
    name: str | None = None,
    state: str = "live",
) -> ChannelRef:
    """Create a channel of this entity that sells from these locations, in this order; live unless it is to be proposed."""
    code = code or f"C-{next(_numbers):05}"
    entity = entity_codes(session)[entity_id]
    names = describe_locations(session, location_ids)
    locations = tuple(names[location_id].code for location_id in location_ids)
    draft = ChannelDraft(code, name or f"Channel {code}", kind, entity, locations, state)
    return create_channels(session, [draft], by=TESTER, now=now)[0]


def name_onhand(session: Session, entity_id: int, now: datetime) -> None:
    """Name Onhand as authoritative for the stock ledger and order promising of an entity, as a checklist asks."""
    namings = [Naming(entity_id, domain, "onhand") for domain in ("stock_ledger", "order_promising")]
    name_authorities(session, namings, by=TESTER, now=now)


def event(
    channel: ChannelRef | str,
    noun: str,
    lines: Mapping[str, int] | Sequence[Mapping[str, Any]],
    *,
    location: str | None = None,
    order: str | None = None,
    id: str | None = None,  # noqa: A002 - the attribute is called that
    time: datetime | str | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """Return a CloudEvent of a channel: `event(pos, "sale", {"SKU-1": 2}, location="S1")` tells a sale of two, just now.

    `lines` are quantities by SKU, or whole lines. Every call without `id` is another event; send what it returned
    again to repeat it. Further attributes replace or extend those of the envelope; None leaves one out.
    """
    told = (
        [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()] if isinstance(lines, Mapping) else lines
    )
    data: dict[str, Any] = {"lines": [dict(line) for line in told]}
    if location is not None:
        data["location"] = location
    if order is not None:
        data["order"] = order
    moment = time or datetime.now(UTC)
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": id or f"{noun}-{next(_numbers):07}",
        "source": channel if isinstance(channel, str) else channel.code,
        "type": f"onhand.{noun}.v1",
        "time": moment if isinstance(moment, str) else moment.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    envelope |= attributes
    return {name: value for name, value in envelope.items() if value is not None}


def deliver(
    session: Session, now: datetime, channel: ChannelRef, *events: Mapping[str, Any] | bytes, by: Actor = TESTER
) -> list[Outcome]:
    """Take events in for a channel, as its door does, and return their outcomes in order. Bytes go in as they are."""
    raws = [msgspec.Raw(one if isinstance(one, bytes) else msgspec.json.encode(one)) for one in events]
    return take_in(session, [Delivery(channel, raws)], by=by, now=now)[0]


def samples(session: Session, now: datetime, place: Place) -> dict[str, Sample]:
    """A channel that sells from the place's location, an event it sent, and its own number of the item there."""
    location, item = place.things["location"], place.things["item"]
    channel = place.things["channel"] = make_channel(session, now, place.entity.id, location.id, name=place.text)
    told = event(channel, "sale", {item.sku: 1}, location=location.code)
    deliver(session, now, channel, told, event(channel, "stock_report", {item.sku: 9}, location=location.code))
    query = Sample(f"id={told['id']}")
    return {
        "channels/code": Sample(channel.code),
        "?/channels/<code>/event": query,
        "?/api/v1/channels/<code>/event": query,
        "?/api/v1/channels/<code>/order_lines": Sample("order=O-1"),
    }
