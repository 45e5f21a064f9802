"""Master data: items with their packs and barcodes, locations, units, categories, and which system owns which data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from onhand.contributions import (
    ApprovalKind,
    ApprovalTier,
    ExceptionAction,
    ExceptionKind,
    ExceptionSubject,
    Exporter,
    Importer,
    MenuItem,
    Permission,
    PolicyScope,
    PolicyType,
    Schedule,
    Tile,
)
from onhand.hooks import hookimpl
from sqlalchemy.orm import Session

from onhand_master_data import exceptions, jobs, views
from onhand_master_data import exporters as exporting
from onhand_master_data.importers import ALL
from onhand_master_data.policy_scopes import POLICY_SCOPES
from onhand_master_data.services import left_open, measuring, requesting, violations
from onhand_master_data.services.wishes import CLASSES, FIELDS
from onhand_master_data.validation import RULES, ValidationRule

if TYPE_CHECKING:
    from click import Command
    from onhand.jobs import JobActor

__all__ = [
    "actors",
    "approval_kinds",
    "blueprints",
    "commands",
    "exception_actions",
    "exception_kinds",
    "exporters",
    "importers",
    "item_categories",
    "menu",
    "permissions",
    "policies",
    "policy_scopes",
    "resources",
    "schedules",
    "tiles",
    "validation_rules",
]  # fmt: skip


@hookimpl
def blueprints() -> list[Blueprint]:
    """Pages of items and locations, and the import."""
    return [views.master_data]


@hookimpl
def resources() -> list[Resource]:
    """Items, locations, units, categories and authorities over REST."""
    return [
        views.items_api,
        views.locations_api,
        views.units_api,
        views.categories_api,
        views.authorities_api,
        views.requests_api,
        views.quality_api,
        views.rules_api,
        views.owners_api,
    ]


@hookimpl
def menu() -> list[MenuItem]:
    """The lists, and who owns what."""
    return [
        MenuItem("Items", "master_data.items", "packages", "master_data.read", 60),
        MenuItem("Locations", "master_data.locations", "building-warehouse", "master_data.read", 61),
        MenuItem("Stewardship", "master_data.data_quality", "checklist", "master_data.read", 62),
    ]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """The score of the item master."""
    return views.quality_tile(session, entity_id, now)


@hookimpl
def permissions() -> list[Permission]:
    """Who may look at master data, and who may change it."""
    return [
        Permission("master_data.read", "See items, locations, units and categories"),
        Permission("master_data.edit", "Create, change and import items, locations, units and categories"),
        Permission("master_data.approve", "Agree to changes of what is in use"),
    ]


@hookimpl
def exception_kinds() -> list[ExceptionKind]:
    """What went wrong with what was to be written."""
    return [
        ExceptionKind(violations.KIND, "Authority violation", violations.still_true, severity=3),
        ExceptionKind(measuring.KIND, "Data quality", measuring.still_true, severity=1),
        ExceptionKind(requesting.FAILED, "Change not applied", requesting.failed_standing),
        ExceptionKind(left_open.KIND, "Left on a merged item", left_open.still_true),
    ]


@hookimpl
def exception_actions(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Merge what there is twice, or tell it apart; work what a merge left behind."""
    return views.next_steps(session, exception)


@hookimpl
def approval_kinds() -> list[ApprovalKind]:
    """One kind for each class of data, since each has an owner of its own, and its fields may have others."""
    return [
        ApprovalKind(
            f"master_data.{name}",
            label,
            permission="master_data.approve",
            apply=requesting.apply,
            recheck=requesting.recheck,
            tiers=(ApprovalTier("governance"),),
            fields=FIELDS[name],
        )
        for name, label in CLASSES.items()
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """What becomes of writes by systems that are not authoritative."""
    return [
        PolicyType(
            name="master_data.foreign_writes",
            label="Writes of other systems",
            type=str,
            default="refuse",
            help="What a system writes to the item master that is not authoritative for it: `refuse`, or `park` it as a"
            " change request for a person to decide.",
        )
    ]


@hookimpl
def actors() -> "list[JobActor[...]]":
    """Functions that jobs may name."""
    return [jobs.apply_changes, jobs.measure_quality]


@hookimpl
def schedules() -> list[Schedule]:
    """Changes are applied within seconds of their time; items are judged when anything changed."""
    return [
        Schedule("master_data.apply_changes", jobs.apply_changes, every=timedelta(seconds=20)),
        Schedule("master_data.measure_quality", jobs.measure_quality, every=timedelta(minutes=5)),
    ]


@hookimpl
def validation_rules() -> list[ValidationRule]:
    """What items may be held to."""
    return list(RULES)


@hookimpl
def commands() -> "list[Command]":
    """`onhand authority`, `onhand change`, `onhand owner` and `onhand quality`."""
    from onhand_master_data.commands import authority
    from onhand_master_data.owner_commands import owner
    from onhand_master_data.stewarding import change, quality

    return [authority, change, owner, quality]


@hookimpl
def policy_scopes() -> list[PolicyScope]:
    """Items, categories and locations, where policies are set for them."""
    return list(POLICY_SCOPES)


@hookimpl
def exporters() -> list[Exporter]:
    """The same files, written."""
    return list(exporting.ALL)


@hookimpl
def importers() -> list[Importer]:
    """CSV files of categories, items and locations."""
    return list(ALL)


@hookimpl(optionalhook=True)
def item_categories(session: Session, items: Sequence[int]) -> list[tuple[int, str]]:
    """The categories of items, for ownership rules of exceptions."""
    return exceptions.categories_above(session, items)
