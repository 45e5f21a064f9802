"""`onhand.stock_report.v1`: a channel's own numbers, read and compared with what it should have. Nothing moves."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from onhand.actors import Actor
from onhand_master_data.api import Resolved
from sqlalchemy.orm import Session

from onhand_channels.facts import CATALOGUE, item_of
from onhand_channels.schemas.cloudevents import StockReport
from onhand_channels.services.arrivals import FUTURE_TOLERANCE
from onhand_channels.services.sync_gaps import Reported, compare
from onhand_channels.values import EventType, Fault, Foreseen, Incoming, Postable

__all__ = ["STOCK_REPORT_TYPE"]


class PlannedReport(Struct, gc=False):
    """A report with its codes resolved: (item, category, quantity) at a location, as of a moment."""

    location_id: int
    as_of: datetime
    lines: list[tuple[int, int | None, int]]


def read(session: Session, events: Sequence[Incoming]) -> list[PlannedReport | Fault]:
    """Resolve every code of every report at once; what names something unknown gets the Fault that parks it."""
    known = CATALOGUE.resolve(
        session,
        skus={line.sku for event in events for line in event.data.lines if line.sku is not None},
        gtins={line.gtin for event in events for line in event.data.lines if line.gtin is not None},
        locations={event.data.location for event in events},
    )
    return [_plan(event, event.data, known) for event in events]


def _plan(event: Incoming, report: StockReport, known: Resolved) -> PlannedReport | Fault:
    entity_id = event.channel.entity_id
    place = known.locations.get(report.location)
    if place is None or place.entity_id != entity_id:
        return Fault("unknown_location", f"there is no active location {report.location!r}", report.location)
    as_of = report.as_of or event.occurred_at
    if as_of > event.occurred_at + FUTURE_TOLERANCE:
        return Fault("time_in_future", f"as_of {as_of.isoformat()} is later than the event's own time")
    lines: dict[int, tuple[int, int | None, int]] = {}
    for line in report.lines:
        item = item_of(line, known)
        if isinstance(item, Fault):
            return item
        if entity_id not in item.entity_ids:
            return Fault("item_not_stocked", f"{item.sku} is not stocked by this entity", item.sku)
        if item.id in lines:
            return Fault("invalid_data", f"data: {item.sku} is there twice", item.sku)
        if item.unit != item.base_unit:
            return Fault("unit_refused", f"report {item.sku} in its base unit, not by the GTIN of a pack", item.sku)
        lines[item.id] = (item.id, item.category_id, line.quantity)
    return PlannedReport(place.id, as_of, list(lines.values()))


def handle(session: Session, postables: Sequence[Postable], by: Actor, now: datetime) -> None:  # noqa: ARG001 - an event type's handlers are called so
    """Keep the newest number of each item, location and channel, and tell which are off."""
    reported = [
        Reported(one.event.channel, one.plan.location_id, item_id, category_id, units, one.plan.as_of, one.event.id)
        for one in postables
        for item_id, category_id, units in one.plan.lines
    ]
    compare(session, reported, now=now)


def foresee(session: Session, postables: Sequence[Postable]) -> list[list[Foreseen]]:  # noqa: ARG001 - an event type's handlers are called so
    """Say which numbers would be compared."""
    return [
        [Foreseen("stock_report", item_id, one.plan.location_id, units) for item_id, _, units in one.plan.lines]
        for one in postables
    ]


STOCK_REPORT_TYPE = EventType("onhand.stock_report.v1", StockReport, read, handle, foresee)
