"""CSV drop: files of sales, receipts or stock reports become events of a channel. Each line points at what does it."""

from datetime import datetime, timedelta

from flask import Blueprint, url_for
from onhand.contributions import MenuItem, Permission, PolicyType, Schedule, Tile
from onhand.hooks import hookimpl
from onhand.jobs import JobActor
from onhand.web.formats import quantity
from sqlalchemy.orm import Session

from onhand_csv_drop import folders, jobs, queries, views


@hookimpl
def blueprints() -> list[Blueprint]:
    """The pages."""
    return [views.csv_drop]


@hookimpl
def menu() -> list[MenuItem]:
    """Where the pages are found."""
    return [MenuItem("CSV files", "csv_drop.index", "file-import", "csv_drop.read", order=60)]


@hookimpl
def tiles(session: Session, entity_id: int, now: datetime) -> list[Tile]:
    """How many rows a person has to mend."""
    refused = queries.refused_since(session, entity_id, now - timedelta(days=1))
    tone = "bad" if refused else "neutral"
    return [Tile("CSV rows refused in 24 hours", quantity(refused), url_for("csv_drop.index"), tone=tone, order=60)]


@hookimpl
def permissions() -> list[Permission]:
    """Who may look, who may post, and who says what a file means."""
    return [
        Permission("csv_drop.read", "See CSV files and what became of their rows"),
        Permission("csv_drop.post", "Upload CSV files"),
        Permission("csv_drop.edit", "Say which columns of CSV files mean what"),
    ]


@hookimpl
def policies() -> list[PolicyType]:
    """When a file counts as whole."""
    return [
        PolicyType(
            folders.QUIET, "Quiet time of CSV files", int, 10,
            "A file in a watched folder is taken once nobody has written to it for this long.", "seconds", maximum=86_400,
        )
    ]  # fmt: skip


@hookimpl
def actors() -> list[JobActor[...]]:
    """Functions that jobs may name."""
    return [jobs.watch]


@hookimpl
def schedules() -> list[Schedule]:
    """Folders are looked into every minute."""
    return [Schedule("csv_drop.watch", jobs.watch, every=timedelta(minutes=1))]
