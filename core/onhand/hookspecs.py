"""The hooks that the core itself calls. Each names its kind, when it is called, what to return, what raising does."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from onhand.contributions import (
    ApprovalKind,
    ExceptionAction,
    ExceptionKind,
    ExceptionSubject,
    Exporter,
    Importer,
    Invariant,
    Kpi,
    Loop,
    Measure,
    MenuItem,
    Obligation,
    Permission,
    PolicyBacktest,
    PolicyProfile,
    PolicyScope,
    PolicyType,
    ReferenceRows,
    Schedule,
    Tile,
)
from onhand.events import AddonEnabled, ExceptionsRaised
from onhand.hooks import contribute, observe

if TYPE_CHECKING:
    from click import Command
    from flask import Blueprint
    from flask_smorest import Blueprint as Resource

    from onhand.addons import Addons
    from onhand.jobs import JobActor


@contribute
def blueprints() -> "list[Blueprint]":
    """contribute, at start-up: HTML pages under `/<noun>/` and hot doors under `/api/v1/`. Raising leaves the add-on out."""
    return []


@contribute
def resources() -> "list[Resource]":
    """contribute, at start-up: REST resources, mounted flat under `/api/v1`. Raising leaves the add-on out."""
    return []


@contribute
def menu() -> list[MenuItem]:
    """contribute, at start-up: lines of the site's menu. Raising leaves the add-on out."""
    return []


@contribute
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """contribute, on render of the home page: figures for one entity. Raising fails the page."""
    return []


@contribute
def measures(session: Session, now: datetime) -> list[Measure]:
    """contribute, when `/metrics` is asked: figures of the add-on's tables, over all entities. Raising leaves them out."""
    return []


@contribute
def permissions() -> list[Permission]:
    """contribute, at start-up: what roles may allow. Raising leaves the add-on out."""
    return []


@contribute
def policies() -> list[PolicyType]:
    """contribute, at start-up: the business rules the add-on reads. Raising leaves the add-on out."""
    return []


@contribute
def approval_kinds() -> list[ApprovalKind]:
    """contribute, at start-up: kinds of change that may need others' consent. Raising leaves the add-on out."""
    return []


@contribute
def policy_scopes() -> list[PolicyScope]:
    """contribute, at start-up: how locations, channels, categories and items are looked up where policies are set. Raising leaves the add-on out."""
    return []


@contribute
def policy_backtests() -> list[PolicyBacktest]:
    """contribute, at start-up: how recorded decisions are replayed through it. Raising leaves the add-on out."""
    return []


@contribute
def policy_profiles() -> list[PolicyProfile]:
    """contribute, at start-up: values of the add-on's own policies that suit a kind of retailer. Raising leaves the add-on out."""
    return []


@contribute
def exception_kinds() -> list[ExceptionKind]:
    """contribute, at start-up: kinds of evidence the add-on raises. Raising leaves the add-on out."""
    return []


@contribute
def exception_actions(
    session: Session, entity_id: int, exception: ExceptionSubject, now: datetime
) -> list[ExceptionAction]:
    """contribute, on render of an open exception: what the add-on can do about it next. Raising fails the page."""
    return []


@contribute
def invariants() -> list[Invariant]:
    """contribute, at start-up: laws of the add-on's own tables, for `onhand ledger verify`. Raising leaves the add-on out."""
    return []


@contribute
def kpis() -> list[Kpi]:
    """contribute, at start-up: figures of the executive view, each with the rows behind it. Raising leaves the add-on out."""
    return []


@contribute
def importers() -> list[Importer]:
    """contribute, at start-up: file formats for `onhand import`. Raising leaves the add-on out."""
    return []


@contribute
def exporters() -> list[Exporter]:
    """contribute, at start-up: what `onhand export` writes. Raising leaves the add-on out."""
    return []


@contribute
def commands() -> "list[Command]":
    """contribute, at start-up: subcommands of `onhand`. Raising leaves the add-on out."""
    return []


@contribute
def actors() -> "list[JobActor[...]]":
    """contribute, at start-up: functions that jobs may name. Raising leaves the add-on out."""
    return []


@contribute
def schedules() -> list[Schedule]:
    """contribute, at start-up: jobs that fall due again and again. Raising leaves the add-on out."""
    return []


@contribute
def loops() -> list[Loop]:
    """contribute, at start-up: small batches it repeats while it leads. Raising leaves the add-on out."""
    return []


@contribute
def reference_rows(addons: "Addons") -> list[ReferenceRows]:
    """contribute, at the end of `onhand migrate`: declared rows that SQL must know too. Raising fails the migration."""
    return []


@contribute
def open_obligations(session: Session, entity_id: int, now: datetime) -> list[Obligation]:
    """contribute, when an add-on is to be disabled for an entity: what is still open there. Raising refuses it."""
    return []


@observe
def exceptions_raised(session: Session, event: ExceptionsRaised, now: datetime) -> None:
    """observe, after the commit: evidence that something is wrong. Raising is retried, then parked and shown."""


@observe
def addon_enabled(session: Session, event: AddonEnabled, now: datetime) -> None:
    """observe, after the commit: an add-on was switched on for an entity. Raising is retried, then parked and shown."""
