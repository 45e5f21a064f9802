"""Stock: what is where, in which state; the ledger that says why; and the one verb that changes it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from onhand.contributions import (
    ApprovalKind,
    ExceptionAction,
    ExceptionKind,
    ExceptionSubject,
    Importer,
    Invariant,
    Kpi,
    Measure,
    MenuItem,
    Permission,
    PolicyBacktest,
    PolicyProfile,
    PolicyType,
    ReferenceRows,
    Schedule,
    Tile,
)
from onhand.hooks import hookimpl
from onhand_master_data.api import Use
from sqlalchemy.orm import Session

from onhand_stock import importers as files
from onhand_stock import jobs, kinds, master_data, stopping, valuing, views
from onhand_stock.backtests import BACKTESTS
from onhand_stock.invariants import STOCK_INVARIANTS
from onhand_stock.kpis import KPIS
from onhand_stock.measures import last_verified
from onhand_stock.movements import Group, Objection
from onhand_stock.services import ADJUSTMENT, doubts, shortages
from onhand_stock.settings import POLICIES, PROFILES

if TYPE_CHECKING:
    from click import Command
    from onhand.addons import Addons
    from onhand.jobs import JobActor


@hookimpl
def blueprints() -> list[Blueprint]:
    """Stock inquiry, items, ledger entries, verification."""
    return [views.stock]


@hookimpl
def menu() -> list[MenuItem]:
    """What is where, and whether the books agree."""
    return [
        MenuItem("Stock", "stock.inquiry", "stack-2", "stock.read", order=20),
        MenuItem("Adjustments", "stock.adjustments", "edit", "stock.read", order=22),
        MenuItem("Verification", "stock.verification", "shield-check", "stock.read", order=90),
    ]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """What is short, and what the last verification found."""
    return views.stock_tiles(session, entity_id, now)


@hookimpl
def measures(session: Session, now: datetime) -> list[Measure]:
    """What the last verification found, and how old it is."""
    return last_verified(session, now)


@hookimpl
def resources() -> list[Resource]:
    """Balances, the ledger, counts and adjustments over REST."""
    return [views.adjustments_api, views.balances_api, views.movements_api, views.counts_api]


@hookimpl
def movement_kinds() -> list[kinds.MovementKind]:
    """The kinds that need no further add-on."""
    return list(kinds.STOCK_KINDS)


@hookimpl
def may_move(session: Session, groups: Sequence[Group], now: datetime) -> list[Objection]:
    """Nothing new where people stopped it."""
    return stopping.objections(session, groups, now)


@hookimpl
def permissions() -> list[Permission]:
    """Who may read the books, and who may change them by hand."""
    return [
        Permission("stock.read", "See balances and ledger entries"),
        Permission("stock.work", "Ask for adjustments, and count again where that is asked for"),
        Permission("stock.adjust", "Count, reverse, and adjust within tolerance"),
        Permission("stock.approve", "Approve adjustments, in the roles that the rules name"),
    ]


@hookimpl
def importers() -> list[Importer]:
    """Adjustments from a file."""
    return [files.ADJUSTMENTS]


@hookimpl
def policies() -> list[PolicyType]:
    """What is adjusted at once, what is counted again, what a unit is worth, and what is stopped."""
    return list(POLICIES)


@hookimpl
def policy_profiles() -> list[PolicyProfile]:
    """What is corrected at once, and what is counted again, by kind of retailer."""
    return list(PROFILES)


@hookimpl
def policy_backtests() -> list[PolicyBacktest]:
    """Recorded adjustments, weighed again."""
    return list(BACKTESTS)


@hookimpl
def approval_kinds() -> list[ApprovalKind]:
    """Adjustments beyond what policy lets through."""
    return [ADJUSTMENT]


@hookimpl
def uses(session: Session, entity_id: int, item_ids: Sequence[int], location_ids: Sequence[int]) -> list[Use]:
    """Which items and locations have moved: they change by request from then on."""
    return master_data.uses(session, entity_id, item_ids, location_ids)


@hookimpl
def item_obligations(session: Session, entity_id: int, item_ids: Sequence[int]) -> list[Use]:
    """What is still in the book of an item that shall be merged into another."""
    return master_data.item_obligations(session, entity_id, item_ids)


@hookimpl
def reference_rows(addons: "Addons") -> list[ReferenceRows]:
    """Kinds and transitions, for SQL to check the ledger against."""
    return kinds.reference_rows(addons)


@hookimpl
def exception_kinds() -> list[ExceptionKind]:
    """Units that left though the book had none, and a book that is not what was counted."""
    return [
        ExceptionKind("shortage", "Shortage", shortages.still_true, severity=3),
        ExceptionKind(doubts.KIND, "Late fact after a count", doubts.still_true, severity=2),
    ]


@hookimpl(optionalhook=True)
def unit_values(session: Session, entity_id: int, items: Sequence[int], now: datetime) -> list[tuple[int, Decimal]]:
    """What units are worth, for the money at risk of exceptions."""
    return valuing.item_values(session, entity_id, items, now)


@hookimpl
def exception_actions(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Adjust what is short."""
    return views.next_steps(session, exception)


@hookimpl
def invariants() -> list[Invariant]:
    """The laws of the ledger."""
    return list(STOCK_INVARIANTS)


@hookimpl
def actors() -> "list[JobActor[...]]":
    """Functions that jobs may name."""
    return [jobs.make_partitions, jobs.verify_books]


@hookimpl
def schedules() -> list[Schedule]:
    """Partitions are made ahead, and the books verified, by the clock."""
    return [
        Schedule("stock.make_partitions", jobs.make_partitions, every=timedelta(hours=6)),
        Schedule("stock.verify_books", jobs.verify_books, every=timedelta(hours=1)),
    ]


@hookimpl
def commands() -> "list[Command]":
    """`onhand ledger verify | explain`."""
    from onhand_stock.commands import ledger

    return [ledger]


@hookimpl
def kpis() -> list[Kpi]:
    """Figures of the executive view."""
    return list(KPIS)
