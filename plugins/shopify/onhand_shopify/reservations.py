"""Holding what a shop has sold until it is shipped, by the add-on reservations where it is there.

What is held of an order follows from what is known of it by then, never from which webhook came last: so webhooks in any
order, and again, end in one state.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from onhand.actors import Actor
from onhand.db import cursor, text_array
from onhand.events import ExceptionsRaised
from onhand.outbox import publish_all
from onhand_channels.api import ChannelRef, OrderUnits, order_units
from onhand_master_data.api import describe_items
from onhand_reservations.api import (
    Change,
    Hold,
    HoldRequest,
    LineQuantity,
    OutOfStock,
    Unknown,
    WantedLine,
    confirm,
    hold,
    release,
)
from sqlalchemy.orm import Session

from onhand_shopify.services.unheld import KIND, causes_of

__all__ = ["hold_new", "let_go"]

ROWS = """
/* shopify.order_hold.begin */ INSERT INTO shopify.order_hold (channel_id, order_reference, entity_id, status, since)
SELECT s.channel_id, k.reference, s.entity_id, 'waiting', %s
FROM (SELECT DISTINCT unnest(%s::text[]) AS reference) k, shopify.shop s WHERE s.channel_id = %s ORDER BY 2
ON CONFLICT DO NOTHING
"""
LOCK = """
/* shopify.order_hold.lock */ SELECT order_reference, status, hold_id FROM shopify.order_hold
WHERE channel_id = %s AND order_reference = ANY(%s::text[]) ORDER BY order_reference FOR NO KEY UPDATE
"""
NOTE = """
/* shopify.order_hold.note */ UPDATE shopify.order_hold o SET status = k.status, hold_id = k.hold_id, detail = k.detail
FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::text[]) AS k (reference, status, hold_id, detail)
WHERE o.channel_id = %s AND o.order_reference = k.reference
"""


class Order(Struct):
    """An order: how its hold is, and what is known of each item by its SKU."""

    reference: str
    status: str
    hold_id: UUID | None
    items: dict[str, OrderUnits]
    detail: str | None = None

    def wanted(self, sku: str) -> int:
        """Return how many units of an item the customer still waits for."""
        units = self.items.get(sku)
        return max(units.ordered - units.cancelled - units.fulfilled, 0) if units else 0

    def is_told(self) -> bool:
        """Say whether the order itself is known, and not only what became of it."""
        return any(units.ordered for units in self.items.values())

    def lines(self) -> tuple[WantedLine, ...]:
        """Return what is to be held: what is cancelled too, to be let go at once, so that it counts as let go."""
        return tuple(
            WantedLine(sku, self.wanted(sku) + units.cancelled) for sku, units in self.items.items() if self.wanted(sku)
        )


def hold_new(session: Session, channel: ChannelRef, orders: Collection[str], *, by: Actor, now: datetime) -> None:
    """Hold what customers wait for of orders that are told and not held yet, each whole or not at all, for good.

    What cannot be held is told as an exception. Twice is harmless: an order is held once.
    """
    cursor(session).execute(ROWS, (now, text_array(sorted(set(orders))), channel.id))
    found = [one for one in _locked(session, channel, orders) if one.hold_id is None and one.is_told()]
    for one in found:
        if not one.lines():
            one.status, one.detail = "done", None
    wanting = [one for one in found if one.lines()]
    answers = hold(session, [HoldRequest(channel, one.reference, one.lines()) for one in wanting], by=by, now=now)
    for one, answer in zip(wanting, answers, strict=True):
        if isinstance(answer, Hold):
            one.status, one.hold_id, one.detail = "held", answer.id, None
        else:
            one.status, one.detail = "unheld", _why(answer)
    confirm(session, [Change(one.hold_id) for one in wanting if one.hold_id], by=by, now=now)
    _note(session, channel, found)


def let_go(session: Session, channel: ChannelRef, orders: Collection[str], *, by: Actor, now: datetime) -> None:
    """Let go of holds what nobody waits for any more: it is cancelled, or was shipped from elsewhere.

    A transaction of its own, as it locks holds before balances. What people let go stays so. Twice is harmless.
    """
    found = [one for one in _locked(session, channel, orders) if one.status == "held"]
    answers = confirm(session, [Change(one.hold_id) for one in found if one.hold_id], by=by, now=now)
    changes = []
    for one, answer in zip(found, answers, strict=True):
        if not isinstance(answer, Hold):
            one.status = "done"  # all of it is shipped or let go
        elif excess := _excess(one, answer):
            changes.append(Change(answer.id, excess, event="cancel"))
    if changes:
        release(session, changes, by=by, now=now)
    _note(session, channel, found)


def _locked(session: Session, channel: ChannelRef, orders: Collection[str]) -> list[Order]:
    rows = cursor(session).execute(LOCK, (channel.id, text_array(sorted(set(orders))))).fetchall()
    known = _known(session, channel, [row[0] for row in rows])
    return [Order(row[0], row[1], row[2], known.get(row[0], {})) for row in rows]


def _known(session: Session, channel: ChannelRef, orders: Sequence[str]) -> dict[str, dict[str, OrderUnits]]:
    rows = order_units(session, channel, orders)
    names = describe_items(session, {row.item_id for row in rows})
    known: dict[str, dict[str, OrderUnits]] = {}
    for row in rows:
        known.setdefault(row.order_reference, {})[names[row.item_id].sku] = row
    return known


def _why(answer: object) -> str:
    if isinstance(answer, OutOfStock):
        short = ", ".join(f"{one.requested} of {one.sku}, of which {one.available}" for one in answer.shortfalls)
        return f"it was sold, but cannot be promised: {short} may be"
    if isinstance(answer, Unknown):
        return "; ".join(f"{message} {value}".strip() for _, message, value in answer.errors)
    return str(getattr(answer, "detail", answer))


def _excess(order: Order, held: Hold) -> tuple[LineQuantity, ...]:
    parts = []
    wanted = {line.sku: order.wanted(line.sku) for line in held.lines}
    for line in held.lines:
        still = line.quantity - line.fulfilled - line.released
        stays = min(wanted[line.sku], still)
        wanted[line.sku] -= stays
        if still > stays:
            parts.append(LineQuantity(line.line, still - stays))
    return tuple(parts)


def _note(session: Session, channel: ChannelRef, orders: Sequence[Order]) -> None:
    columns = (
        text_array([one.reference for one in orders]),
        text_array([one.status for one in orders]),
        text_array([str(one.hold_id) if one.hold_id else None for one in orders]),
        text_array([one.detail and one.detail.replace("\x00", "")[:500] for one in orders]),
    )
    cursor(session).execute(NOTE, (*columns, channel.id))
    unheld = [one.reference for one in orders if one.status == "unheld"]
    causes = causes_of(session, channel.entity_id, channel.id, unheld) if unheld else []
    if causes:
        publish_all(session, [ExceptionsRaised(channel.entity_id, KIND, tuple(causes))])
