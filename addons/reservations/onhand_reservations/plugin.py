"""Reservations: promise stock for a while, confirm it or let it go."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint
from onhand.actors import Actor
from onhand.contributions import (
    ExceptionAction,
    ExceptionKind,
    ExceptionSubject,
    Invariant,
    Kpi,
    Loop,
    MenuItem,
    Obligation,
    Permission,
    PolicyBacktest,
    PolicyProfile,
    PolicyType,
    Schedule,
    Tile,
)
from onhand.hooks import hookimpl
from onhand.jobs import JobActor
from onhand_channels.api import ChannelRef, Check, Claim, Demand, FeedKey, OrderLinesCancelled
from onhand_master_data.api import Use
from onhand_stock.api import Entry, MovementKind
from sqlalchemy.orm import Session

from onhand_reservations import jobs, master_data, queries, services, views
from onhand_reservations.backtests import BACKTESTS
from onhand_reservations.channel_checks import checks_of
from onhand_reservations.feed import units_of
from onhand_reservations.invariants import PROMISE_INVARIANTS
from onhand_reservations.kinds import PROMISE_KINDS
from onhand_reservations.kpis import KPIS
from onhand_reservations.services import overdue, refusals
from onhand_reservations.settings import OVERDUE_HOURS, POLICIES, PROFILES

CHANNEL = Actor.system("channel-cancellation")


@hookimpl
def blueprints() -> list[Blueprint]:
    """The pages, and the doors of holds and availability."""
    return [views.reservations, views.door]


@hookimpl
def menu() -> list[MenuItem]:
    """What is promised, between the channels and master data."""
    return [MenuItem("Reservations", "reservations.index", "bookmark", "reservations.read", order=35)]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """How many holds are open."""
    return views.open_tile(session, entity_id, now)


@hookimpl
def permissions() -> list[Permission]:
    """Who may promise stock, and who may see what is promised."""
    return [
        Permission("reservations.read", "See availability and holds"),
        Permission("reservations.hold", "Hold, confirm, extend, release and fulfil"),
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """Times to live, buffers and service levels."""
    return list(POLICIES)


@hookimpl
def policy_backtests() -> list[PolicyBacktest]:
    """Recorded holds and refusals, decided again."""
    return list(BACKTESTS)


@hookimpl
def policy_profiles() -> list[PolicyProfile]:
    """Times to live, buffers and service levels, by kind of retailer."""
    return list(PROFILES)


@hookimpl
def movement_kinds() -> list[MovementKind]:
    """Promising, and letting go."""
    return list(PROMISE_KINDS)


@hookimpl
def exception_kinds() -> list[ExceptionKind]:
    """What could not be promised, and what was promised and not handed over."""
    return [
        ExceptionKind("reservation_refused", "Reservation refused", refusals.still_true),
        ExceptionKind("hold_overdue", "Hold overdue", overdue.still_true, severity=3, hours_policy=OVERDUE_HOURS),
    ]


@hookimpl
def exception_actions(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Let go of a hold that is overdue, or of one whose units are missing."""
    return views.next_steps(session, exception)


@hookimpl
def invariants() -> list[Invariant]:
    """The laws of promises."""
    return list(PROMISE_INVARIANTS)


@hookimpl
def claims(session: Session, demands: Sequence[Demand], now: datetime) -> list[Claim | None]:
    """Let shipments draw on what was promised to their order."""
    return services.claims(session, demands, now=now)


@hookimpl
def channel_checks(session: Session, channels: Sequence[ChannelRef], now: datetime) -> list[list[Check]]:
    """Time to live and buffer are chosen, not left at their defaults."""
    return checks_of(session, channels, now=now)


@hookimpl
def promisable(session: Session, channel: ChannelRef, keys: Sequence[FeedKey], now: datetime) -> list[int]:
    """Tell the feed what may be sold on a channel."""
    return units_of(session, channel, keys, now)


@hookimpl
def movement_posted(session: Session, movements: Sequence[Entry], now: datetime) -> None:
    """End the promises that shipments drew on."""
    services.end_promises(session, movements, now=now)


@hookimpl
def order_lines_cancelled(session: Session, events: Sequence[OrderLinesCancelled], now: datetime) -> None:
    """Let go what a channel no longer wants."""
    services.cancel(session, [units for event in events for units in event.units], by=CHANNEL, now=now)


@hookimpl
def loops() -> list[Loop]:
    """Holds expire within a fraction of a second."""
    return [Loop("reservations.expire", jobs.expire_step, idle_seconds=0.2)]


@hookimpl
def actors() -> list[JobActor[...]]:
    """Functions that jobs may name."""
    return [jobs.tell_overdue]


@hookimpl
def schedules() -> list[Schedule]:
    """Overdue holds are told every half minute."""
    return [Schedule("reservations.tell_overdue", jobs.tell_overdue, every=timedelta(seconds=30))]


@hookimpl
def open_obligations(session: Session, entity_id: int) -> list[Obligation]:
    """Promises that have not ended."""
    return [Obligation("holds", queries.open_holds(session, entity_id), "holds", "/reservations/?status=open")]


@hookimpl
def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """Promises of an item that shall be merged into another."""
    return master_data.item_obligations(session, entity_id, item_ids)


@hookimpl
def kpis() -> list[Kpi]:
    """Figures of the executive view."""
    return list(KPIS)
