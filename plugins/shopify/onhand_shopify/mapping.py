"""From a webhook's body to events. Pure: the same body and the same meanings give the same events, whatever came before.

Each event is named after what Shopify says happened (an order, a refund, a fulfilment), never after the delivery. So
whatever order webhooks come in, and however often, each fact is told once: the intake keeps one event per name. Where two
webhooks say the same (a cancelled order and its refunds), both tell it under one name.

Shapes: https://shopify.dev/docs/api/webhooks and, for restock types,
https://shopify.dev/docs/api/admin-rest/latest/resources/refund.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from onhand_shopify.values import Known, Parked

__all__ = ["TOPICS", "Event", "events_of", "ids_of"]

Event = dict[str, Any]
Moment = Annotated[datetime, Meta(tz=True)]
SHIPPED = frozenset({"success", None})
ON_ITS_WAY = frozenset({"pending", "open", "error", "failure"})


class LineItem(Struct):
    """A line of an order."""

    id: int
    quantity: int = 0
    sku: str | None = None
    variant_id: int | None = None
    title: str = ""
    gift_card: bool = False
    requires_shipping: bool = True


class Fulfilment(Struct):
    """A parcel: what left which location for an order."""

    id: int
    created_at: Moment
    order_id: int | None = None
    status: str | None = None
    location_id: int | None = None
    line_items: list[LineItem] = field(default_factory=list)


class RefundLine(Struct):
    """Units of a line that are paid back, and what becomes of them."""

    line_item_id: int
    quantity: int
    line_item: LineItem
    restock_type: str = "no_restock"
    location_id: int | None = None


class Refund(Struct):
    """Money paid back for lines of an order."""

    id: int
    created_at: Moment
    order_id: int | None = None
    refund_line_items: list[RefundLine] = field(default_factory=list)


class Order(Struct):
    """An order with its lines, and what happened to it by then."""

    id: int
    created_at: Moment
    name: str = ""
    cancelled_at: Moment | None = None
    line_items: list[LineItem] = field(default_factory=list)
    fulfillments: list[Fulfilment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)


class Level(Struct):
    """The shop's own number of an item at a location; None where it keeps none."""

    inventory_item_id: int
    location_id: int
    available: int | None
    updated_at: Moment


class _Refunded(Struct):
    refund_line_items: list[RefundLine] = field(default_factory=list)


class _Lines(_Refunded):
    """Whatever lines a body has, of an order, a refund or a fulfilment."""

    line_items: list[LineItem] = field(default_factory=list)
    refunds: list[_Refunded] = field(default_factory=list)


class _Stop(Exception):
    def __init__(self, reason: str, detail: str, code: object = "") -> None:
        self.parked = Parked(reason, detail, str(code))


def events_of(topic: str, body: bytes, webhook_id: str, source: str, known: Known) -> list[Event] | Parked | None:
    """Return the CloudEvents that a webhook tells for the channel `source`, none where it moves nothing.

    Parked where it names what nobody knows yet, or cannot be read; None for a topic that nobody here understands.
    """
    teller = TOPICS.get(topic)
    if teller is None:
        return None
    try:
        told = teller(body, webhook_id, known)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Parked("unreadable", f"the body is not what {topic} says: {error}"[:500])
    except _Stop as stop:
        return stop.parked
    return [{"specversion": "1.0", "source": source, "datacontenttype": "application/json", **one} for one in told]


def ids_of(topic: str, body: bytes) -> tuple[set[int], set[int]]:
    """Return the inventory items and the variants whose SKU it takes to tell a webhook; none where it cannot be read."""
    try:
        if topic == "inventory_levels/update":
            return {msgspec.json.decode(body, type=Level).inventory_item_id}, set()
        named = msgspec.json.decode(body, type=_Lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set(), set()
    back = [one.line_item for refund in (named, *named.refunds) for one in refund.refund_line_items]
    lines = [*named.line_items, *back]
    return set(), {line.variant_id for line in lines if line.variant_id and not (line.sku or "").strip()}


def _created(body: bytes, _: str, known: Known) -> list[Event]:
    order = msgspec.json.decode(body, type=Order)
    lines = _lines(((line, line.quantity) for line in order.line_items), known)
    return _told(f"order/{order.id}/created", "order", order.created_at, lines, order.id)


def _cancelled(body: bytes, _: str, known: Known) -> list[Event]:
    """A cancelled order: what its refunds have put back already, and whatever is left of each line."""
    order = msgspec.json.decode(body, type=Order)
    if order.cancelled_at is None:
        raise _Stop("unreadable", "the order is not cancelled: cancelled_at is empty", order.id)
    gone: dict[int, int] = {}
    told: list[Event] = []
    for refund in order.refunds:
        for back in refund.refund_line_items:
            if back.restock_type == "cancel":
                gone[back.line_item_id] = gone.get(back.line_item_id, 0) + back.quantity
        told += _put_back(refund, refund.order_id or order.id, known)
    for parcel in order.fulfillments:
        for line in parcel.line_items if parcel.status in SHIPPED else ():
            gone[line.id] = gone.get(line.id, 0) + line.quantity
    left = _lines(((line, line.quantity - gone.get(line.id, 0)) for line in order.line_items), known)
    return told + _told(f"order/{order.id}/cancelled", "cancellation", order.cancelled_at, left, order.id)


def _refunded(body: bytes, _: str, known: Known) -> list[Event]:
    """A refund: `cancel` takes units off the order, `return` brings them back to a location, `no_restock` moves none."""
    refund = msgspec.json.decode(body, type=Refund)
    if refund.order_id is None:
        raise _Stop("unreadable", "the refund names no order", refund.id)
    returned: dict[int, list[RefundLine]] = {}
    for back in refund.refund_line_items:
        if back.restock_type == "return":
            returned.setdefault(back.location_id or 0, []).append(back)
        elif back.restock_type not in ("cancel", "no_restock"):
            detail = f"restock type {back.restock_type!r} does not say what became of it: post it by hand"
            raise _Stop("restock_unclear", detail, back.restock_type)
    told = _put_back(refund, refund.order_id, known)
    for location_id, backs in sorted(returned.items()):
        place = _place(location_id, f"refund {refund.id}", known)
        lines = _lines(((back.line_item, back.quantity) for back in backs), known)
        name = f"refund/{refund.id}/returned/{location_id}"
        told += _told(name, "return", refund.created_at, lines, refund.order_id, place)
    return told


def _put_back(refund: Refund, order_id: int, known: Known) -> list[Event]:
    backs = [back for back in refund.refund_line_items if back.restock_type == "cancel"]
    lines = _lines(((back.line_item, back.quantity) for back in backs), known)
    return _told(f"refund/{refund.id}/cancelled", "cancellation", refund.created_at, lines, order_id)


def _fulfilled(body: bytes, _: str, known: Known) -> list[Event]:
    parcel = msgspec.json.decode(body, type=Fulfilment)
    if parcel.order_id is None:
        raise _Stop("unreadable", "the fulfilment names no order", parcel.id)
    if parcel.status in ON_ITS_WAY:
        return []
    if parcel.status not in SHIPPED:
        detail = f"fulfilment {parcel.id} is {parcel.status}: if it was told as shipped, post its return by hand"
        raise _Stop("fulfilment_undone", detail, parcel.id)
    place = _place(parcel.location_id or 0, f"fulfilment {parcel.id}", known)
    lines = _lines(((line, line.quantity) for line in parcel.line_items), known)
    return _told(f"fulfillment/{parcel.id}", "shipment", parcel.created_at, lines, parcel.order_id, place)


def _level(body: bytes, webhook_id: str, known: Known) -> list[Event]:
    """Its own number. Below 0 it has sold more than it had: nothing may be sold there, which is 0."""
    level = msgspec.json.decode(body, type=Level)
    if level.available is None:
        return []
    sku = known.items.get(level.inventory_item_id)
    if sku is None:
        detail = (
            f"inventory item {level.inventory_item_id} has no SKU that is known here: give it one, then read the shop"
        )
        raise _Stop("unknown_item", detail, level.inventory_item_id)
    place = _place(level.location_id, f"inventory item {level.inventory_item_id}", known)
    data = {"location": place, "lines": [{"sku": sku, "quantity": max(level.available, 0)}]}
    return [_event(f"level/{webhook_id}", "stock_report", level.updated_at, data)]


TOPICS: dict[str, Callable[[bytes, str, Known], list[Event]]] = {
    "orders/create": _created,
    "orders/cancelled": _cancelled,
    "refunds/create": _refunded,
    "fulfillments/create": _fulfilled,
    "fulfillments/update": _fulfilled,
    "inventory_levels/update": _level,
}
"""What each topic tells. Others are kept, and move nothing."""


def _lines(lines: Iterable[tuple[LineItem, int]], known: Known) -> list[dict[str, Any]]:
    """Return lines as events carry them; those that no stock is kept of (gift cards, tips, services) are left out."""
    told: dict[tuple[str, str], int] = {}
    for line, quantity in lines:
        sku = (line.sku or "").strip() or known.variants.get(line.variant_id or 0)
        if line.gift_card or quantity <= 0 or (sku is None and not line.requires_shipping):
            continue
        if sku is None:
            detail = f"{line.title or 'a line'!r} has no SKU: give its variant one in Shopify, then read the shop"
            raise _Stop("sku_missing", detail, line.variant_id or "")
        told[str(line.id), sku] = told.get((str(line.id), sku), 0) + quantity
    return [{"line": line, "sku": sku, "quantity": quantity} for (line, sku), quantity in sorted(told.items())]


def _place(location_id: int, what: str, known: Known) -> str:
    if not location_id:
        raise _Stop("location_missing", f"{what} names no location: post it by hand")
    place = known.locations.get(location_id)
    if place is None:
        raise _Stop("unknown_location", f"Shopify's location {location_id} is none of ours yet: map it", location_id)
    return place


def _told(
    name: str, noun: str, at: datetime, lines: Sequence[dict[str, Any]], order_id: int, place: str | None = None
) -> list[Event]:
    if not lines:
        return []
    data: dict[str, Any] = {"order": str(order_id), "lines": list(lines)}
    return [_event(name, noun, at, data if place is None else {"location": place, **data})]


def _event(name: str, noun: str, at: datetime, data: dict[str, Any]) -> Event:
    return {"id": f"shopify/{name}", "type": f"onhand.{noun}.v1", "time": at.isoformat(), "data": data}
