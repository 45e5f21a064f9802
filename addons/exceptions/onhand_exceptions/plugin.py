"""Exceptions: one inbox of causes. What is wrong, how old, whose."""

from datetime import datetime, timedelta

from flask import Blueprint
from flask_smorest import Blueprint as Resource
from onhand.contributions import Kpi, MenuItem, Permission, PolicyProfile, PolicyType, Schedule, Tile
from onhand.events import AddonEnabled, ExceptionsRaised
from onhand.hooks import hookimpl
from onhand.jobs import JobActor
from sqlalchemy.orm import Session

from onhand_exceptions import jobs, services, views
from onhand_exceptions.kpis import KPIS
from onhand_exceptions.views.tile import open_tile


@hookimpl
def blueprints() -> list[Blueprint]:
    """Return the pages."""
    return [views.exceptions]


@hookimpl
def resources() -> list[Resource]:
    """Return the REST resources."""
    return [views.exceptions_api]


@hookimpl
def menu() -> list[MenuItem]:
    """Return the inbox and its board, near the top: it is where people start."""
    return [
        MenuItem("Exceptions", "exceptions.inbox", "alert-triangle", "exceptions.read", order=10),
        MenuItem("Exceptions board", "exceptions.board", "gauge", "exceptions.read", order=11),
    ]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """Return how many are open and how old the oldest is."""
    return open_tile(session, entity_id, now)


@hookimpl
def permissions() -> list[Permission]:
    """Return who may look, and who may act."""
    return [
        Permission("exceptions.read", "See exceptions"),
        Permission("exceptions.work", "Assign, comment, snooze and resolve exceptions"),
        Permission("exceptions.edit", "Change who owns exceptions and who hears of them"),
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """Return how long a cause must be quiet, by when it must be resolved, and who hears of it then."""
    return [
        PolicyType(
            name="exceptions.service_hours",
            label="Service level",
            type=int,
            unit="hours",
            default=24,
            maximum=8_760,
            scopes=("location", "entity"),
            help="An exception open for longer escalates; kinds may have a service level of their own.",
        ),
        PolicyType(
            name="exceptions.escalate_to",
            label="Role that takes over",
            type=str,
            default="governance",
            help="Given what is still open after twice its service level; empty leaves it with its owner.",
        ),
        PolicyType(
            name="exceptions.owner_role",
            label="Role that owns what has no manager",
            type=str,
            default="governance",
            help="Given what no ownership rule matches and no location's manager looks after; empty: nobody's.",
        ),
        PolicyType(
            name="exceptions.undo_minutes",
            label="Time to undo",
            type=int,
            unit="minutes",
            default=10,
            maximum=10_080,
            help="For so long an act upon exceptions can be undone by whoever acted.",
        ),
        PolicyType(
            name="exceptions.quiet_hours",
            label="Quiet hours between episodes",
            type=int,
            unit="hours",
            default=24,
            maximum=8_760,
            help="A cause that comes back within so many hours reopens its exception; later it opens a new one.",
        ),
    ]


@hookimpl
def policy_profiles() -> list[PolicyProfile]:
    """Return how long a cause must be quiet, by kind of retailer."""
    hours = {"luxury": 72, "grocery": 12, "specialty_apparel": 24, "consumer_electronics": 24}
    return [PolicyProfile(name, {"exceptions.quiet_hours": quiet}) for name, quiet in hours.items()]


@hookimpl
def actors() -> list[JobActor[...]]:
    """Return the jobs that ask what is still true, and those that keep time."""
    return [jobs.check_open, jobs.count, jobs.deliver, jobs.digest, jobs.find_missing, jobs.keep_time]


@hookimpl
def schedules() -> list[Schedule]:
    """Return how often it is asked what is still true."""
    return [
        Schedule("exceptions.check_open", jobs.check_open, every=timedelta(seconds=20)),
        Schedule("exceptions.count", jobs.count, every=timedelta(minutes=2)),
        Schedule("exceptions.digest", jobs.digest, every=timedelta(minutes=5)),
        Schedule("exceptions.find_missing", jobs.find_missing, every=timedelta(minutes=10)),
        Schedule("exceptions.keep_time", jobs.keep_time, every=timedelta(minutes=1)),
    ]


@hookimpl
def exceptions_raised(session: Session, event: ExceptionsRaised, now: datetime) -> None:
    """Take up what was raised."""
    services.record(session, event.causes, event.kind, now=now)


@hookimpl
def addon_enabled(session: Session, event: AddonEnabled, now: datetime) -> None:
    """Find what holds already where an add-on was switched on."""
    services.start(session, event, now=now)


@hookimpl
def kpis() -> list[Kpi]:
    """Figures of the executive view."""
    return list(KPIS)
