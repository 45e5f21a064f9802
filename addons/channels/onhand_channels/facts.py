"""The stock facts a channel tells: sale, order, cancellation, shipment, receipt, return. Read, then carried out."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from onhand.actors import Actor
from onhand.transaction import context
from onhand_master_data.api import Catalogue, ConversionRefused, ItemRef, Resolved, to_base_quantity
from onhand_stock.api import Group, Move, post
from pluggy import HookCaller
from sqlalchemy.orm import Session

from onhand_channels.schemas.cloudevents import Facts, Line, ReportLine
from onhand_channels.services import order_lines
from onhand_channels.values import Claim, Demand, EventType, Fault, Foreseen, Incoming, Postable

__all__ = ["CATALOGUE", "FACT_TYPES", "item_of"]

CATALOGUE = Catalogue()
Place = tuple[int, str, int]
"""A line of an event: channel, event, position."""
AVAILABLE = (("available", None),)
SUPPLIER = (("supplier", None),)
CUSTOMER = (("customer", None),)
RETURNED = "customer_returned"
TOUCHES_STOCK = frozenset({"onhand.sale.v1", "onhand.shipment.v1", "onhand.receipt.v1", "onhand.return.v1"})
NEEDS_ORDER = frozenset({"onhand.order.v1", "onhand.cancellation.v1", "onhand.shipment.v1"})


class PlannedLine(Struct, gc=False):
    """A line with its codes resolved; `quantity` in base units."""

    item_id: int
    quantity: int
    line: str


class PlannedFacts(Struct, gc=False):
    """An event's facts with codes resolved; `location_id` is 0 where no stock moves."""

    location_id: int
    order: str | None
    lines: list[PlannedLine]


def read(session: Session, events: Sequence[Incoming]) -> list[PlannedFacts | Fault]:
    """Resolve every code of every event at once; what names something unknown gets the Fault that parks it."""
    skus: set[str] = set()
    gtins: set[str] = set()
    locations: set[str] = set()
    for event in events:
        facts: Facts = event.data
        if facts.location:
            locations.add(facts.location)
        for line in facts.lines:
            if line.sku is not None:
                skus.add(line.sku)
            if line.gtin is not None:
                gtins.add(line.gtin)
    known = CATALOGUE.resolve(session, skus=skus, gtins=gtins, locations=locations)
    return [_plan(event, event.data, known) for event in events]


def _plan(event: Incoming, facts: Facts, known: Resolved) -> PlannedFacts | Fault:
    location_id = 0
    if event.type in TOUCHES_STOCK:
        if facts.location is None:
            return Fault("location_missing", f"{event.type} needs data.location")
        place = known.locations.get(facts.location)
        if place is None or place.entity_id != event.channel.entity_id:
            return Fault("unknown_location", f"there is no active location {facts.location!r}", facts.location)
        location_id = place.id
    if facts.order is None and event.type in NEEDS_ORDER:
        return Fault("order_missing", f"{event.type} needs data.order")
    lines: list[PlannedLine] = []
    entity_id = event.channel.entity_id
    for line in facts.lines:
        item = item_of(line, known)
        if isinstance(item, Fault):
            return item
        if entity_id not in item.entity_ids:
            return Fault("item_not_stocked", f"{item.sku} is not stocked by this entity", item.sku)
        if line.unit is None and item.unit == item.base_unit:
            quantity = line.quantity
        else:
            try:
                quantity = to_base_quantity(item, line.quantity, line.unit, at=event.occurred_at)
            except ConversionRefused as refusal:
                return Fault("unit_refused", str(refusal), item.sku)
        lines.append(PlannedLine(item.id, quantity, "" if line.line is None else str(line.line)))
    return PlannedFacts(location_id, facts.order, lines)


def item_of(line: Line | ReportLine, known: Resolved) -> ItemRef | Fault:
    """Return the item a line names. A SKU goes first; a GTIN beside it may be unknown, but not another item's."""
    code = line.sku if line.sku is not None else line.gtin
    if code is None:
        return Fault("item_missing", "a line needs sku or gtin")
    item = (known.by_sku if line.sku is not None else known.by_gtin).get(code)
    if item is None:
        return Fault("unknown_item", f"there is no active item {code!r}", code)
    if line.sku is not None and line.gtin is not None:
        named = known.by_gtin.get(line.gtin)
        if named is not None and named.id != item.id:
            return Fault("item_mismatch", f"sku {line.sku!r} and gtin {line.gtin!r} name two items", line.gtin)
    return item


def handle(session: Session, postables: Sequence[Postable], by: Actor, now: datetime) -> None:
    """Add the facts to their order lines, then post what moved, in the order given. Locks documents, then balances."""
    order_lines.add(session, postables)
    claimed = _claims(session, postables, now)
    groups = [
        Group(
            key=f"{postable.event.channel.id}/{postable.event.id}",
            moves=tuple(_moves(postable, claimed)),
            trigger=f"event:{postable.event.channel.code}/{postable.event.id}",
            occurred_at=postable.event.occurred_at,
            source=postable.event.channel.code,
            source_event=postable.event.id,
            correlation=postable.plan.order,
            actor=postable.event.actor,
        )
        for postable in postables
        if postable.event.type in TOUCHES_STOCK
    ]
    post(session, groups, by=by, now=now)


def _moves(postable: Postable, claimed: Mapping[Place, Claim]) -> list[Move]:
    """Return an event's moves: what a fact draws from is its own demand's promised units, then the shelf."""
    entity_id, location_id = postable.event.channel.entity_id, postable.plan.location_id
    lines: list[PlannedLine] = postable.plan.lines
    match postable.event.type:
        case "onhand.sale.v1":
            return [
                Move("sale", entity_id, line.item_id, line.quantity, AVAILABLE, "customer", location_id)
                for line in lines
            ]
        case "onhand.receipt.v1":
            return [
                Move("receipt", entity_id, line.item_id, line.quantity, SUPPLIER, "available", None, location_id)
                for line in lines
            ]
        case "onhand.return.v1":
            return [
                Move("return_receipt", entity_id, line.item_id, line.quantity, CUSTOMER, RETURNED, None, location_id)
                for line in lines
            ]
    moves: list[Move] = []
    for position, line in enumerate(lines):
        claim = claimed.get((postable.event.channel.id, postable.event.id, position))
        draws = (*claim.draws, *AVAILABLE) if claim else AVAILABLE
        mark = claim.mark if claim else None
        moves.append(Move("ship", entity_id, line.item_id, line.quantity, draws, "customer", location_id, claim=mark))
    return moves


def foresee(session: Session, postables: Sequence[Postable]) -> list[list[Foreseen]]:  # noqa: ARG001 - an event type's handlers are called so
    """Say what handling would post, or for orders and cancellations what it would note. Nothing is promised to them."""
    return [_foreseen(postable) for postable in postables]


def _foreseen(postable: Postable) -> list[Foreseen]:
    if postable.event.type not in TOUCHES_STOCK:
        noun = postable.event.type.split(".")[1]
        return [Foreseen(noun, line.item_id, None, line.quantity) for line in postable.plan.lines]
    return [
        Foreseen(
            move.kind, move.item_id, move.from_location_id or move.to_location_id, move.quantity,
            -1 if move.draws == AVAILABLE else 1 if move.to_state == "available" else 0,
        )
        for move in _moves(postable, {})
    ]  # fmt: skip


def _claims(session: Session, postables: Sequence[Postable], now: datetime) -> dict[Place, Claim]:
    """Ask those who keep promises what is promised to the shipped lines: once per set of add-ons that are active."""
    addons = context(session).addons
    asked: dict[HookCaller, list[tuple[Place, Demand]]] = {}
    for postable in postables:
        if postable.event.type != "onhand.shipment.v1":
            continue
        channel, plan = postable.event.channel, postable.plan
        caller = addons.caller("claims", channel.entity_id, now)
        if caller is None:
            continue
        asked.setdefault(caller, []).extend(
            (
                (channel.id, postable.event.id, position),
                Demand(
                    channel.id, channel.entity_id, plan.order, line.line or None, line.item_id, plan.location_id,
                    line.quantity,
                ),
            )
            for position, line in enumerate(plan.lines)
        )  # fmt: skip
    found: dict[Place, Claim] = {}
    for caller, demanded in asked.items():
        answers = caller(session=session, demands=[demand for _, demand in demanded], now=now)
        if answers is not None:
            found |= {place: claim for (place, _), claim in zip(demanded, answers, strict=True) if claim}
    return found


FACT_TYPES = tuple(
    EventType(f"onhand.{name}.v1", Facts, read, handle, foresee)
    for name in ("sale", "order", "cancellation", "shipment", "receipt", "return")
)
