"""HTML under `/reservations/`: the list of holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from onhand.access import in_scope, requires
from onhand.rest import page
from onhand.web import Column, asked, filters
from onhand_channels.api import ChannelRef
from onhand_master_data.api import LocationName
from sqlalchemy.orm import Session

from onhand_reservations import queries
from onhand_reservations.listings import OPEN, ORDER, STATUSES, Filter, holds_listed
from onhand_reservations.views.asking import READ, channels_here, locations_here, reach

__all__ = ["TONES", "reservations", "shown_status"]

reservations = Blueprint(
    "reservations", __name__, url_prefix="/reservations", template_folder="../templates", static_folder=None
)
TONES = {"held": "info", "confirmed": "accent", "fulfilled": "good", "released": "neutral", "expired": "neutral"}
CHOICES = [
    ("open", "Open"),
    ("overdue", "Overdue"),
    *[(status, status.capitalize()) for status in STATUSES],
    ("all", "All"),
]
BY_STATUS: dict[str, Sequence[str] | None] = {"open": OPEN, "all": None, "overdue": ("confirmed",)}
EXPIRING = [("60", "a minute"), ("300", "5 minutes"), ("900", "15 minutes"), ("3600", "an hour")]
COLUMNS = [
    Column("reference", "Order", href=lambda row: url_for("reservations.detail", hold_id=row["id"])),
    Column("channel", "Channel"),
    Column("status", "Status"),
    Column("open", "Open units", "quantity", href=lambda row: url_for("reservations.detail", hold_id=row["id"])),
    Column("locations", "Locations", "code"),
    Column("until", "Until"),
    Column("held_at", "Held", "time"),
]


@reservations.get("/")
@requires(READ)
def index() -> str:
    """List holds, the newest first: those that are open, unless others are asked for."""
    return render_template(
        "reservations/index.html",
        columns=COLUMNS,
        statuses=CHOICES,
        expiring=EXPIRING,
        tones=TONES,
        filters=filters(),
        **in_scope(_index),
    )


def shown_status(row: Any, now: datetime) -> str:
    """Return a hold's status as it counts: one whose time is up promises nothing, swept or not."""
    return "expired" if row.status == "held" and row.expires_at <= now else str(row.status)


def _index(session: Session, now: datetime) -> dict[str, Any]:
    channels, locations = channels_here(session), locations_here(session)
    found = page(session, holds_listed(_wanted(channels, locations, now), reach()), ORDER, request.args.get("cursor"))
    units = queries.units_of(session, [row.id for row in found["items"]])
    names = {channel.id: channel.name for channel in channels}
    rows = [
        {
            "id": row.id,
            "reference": row.reference,
            "channel": names[row.channel_id],
            "status": shown_status(row, now),
            "is_overdue": row.status == "confirmed" and row.overdue_told_at is not None,
            "open": units[row.id].open,
            "locations": units[row.id].locations,
            "until": row.expires_at if row.status == "held" else None,
            "held_at": row.held_at,
        }
        for row in found["items"]
    ]
    return {
        "rows": rows,
        "next": found["next"],
        "status": _status(),
        "channels": [(channel.code, channel.name) for channel in channels],
        "locations": [(place.code, place.name) for place in locations],
    }


def _status() -> str:
    asked_for = asked("status") or "open"
    return asked_for if asked_for in dict(CHOICES) else "open"


def _wanted(channels: Sequence[ChannelRef], locations: Sequence[LocationName], now: datetime) -> Filter:
    """Return what is asked for. A code that is not offered matches nothing: an id of 0 belongs to none."""
    status, channel, location = _status(), asked("channel"), asked("location")
    seconds = request.args.get("expiring", type=int)
    return Filter(
        statuses=BY_STATUS.get(status, (status,)),
        channel_id=None if channel is None else {one.code: one.id for one in channels}.get(channel, 0),
        reference=asked("q"),
        location_id=None if location is None else {one.code: one.id for one in locations}.get(location, 0),
        expires_before=now + timedelta(seconds=seconds) if seconds and str(seconds) in dict(EXPIRING) else None,
        is_overdue=status == "overdue",
    )
