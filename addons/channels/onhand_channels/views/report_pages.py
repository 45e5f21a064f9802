"""HTML under `/channels/<code>/reports`: a channel's own numbers beside the book's."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires
from onhand.rest import page
from onhand.web import Column, asked, filled
from onhand_master_data.api import items_by_sku
from sqlalchemy.orm import Session

from onhand_channels.listings import REPORT_ORDER, reports_listed
from onhand_channels.services import acknowledge
from onhand_channels.views.asking import demand_whole_entities, known_channel, may_in
from onhand_channels.views.pages import channels
from onhand_channels.views.report_rows import located, named_reports

__all__ = ["report_pages"]

report_pages = channels
SHOWN = [("gaps", "Gaps only"), ("all", "All numbers")]


def _history(row: dict[str, Any]) -> str:
    return url_for("stock.item", sku=row["sku"], location=row["location"])


REPORT_COLUMNS = [
    Column("sku", "Item", "code", href=lambda row: url_for("stock.item", sku=row["sku"])),
    Column("item", "Name"),
    Column("location", "Location", "code"),
    Column("theirs", "Theirs", "quantity"),
    Column("ours", "Ours then", "quantity", href=_history),
    Column("difference", "Difference", "delta"),
    Column("is_gap", "State"),
    Column("as_of", "As of", "time"),
]


@channels.get("/<code>/reports")
@requires("channels.read")
def reports(code: str) -> str:
    """List a channel's own numbers, those that are off unless all are asked for."""
    shown = "all" if request.args.get("shown") == "all" else "gaps"

    def command(session: Session, _: datetime) -> dict[str, Any]:
        channel = known_channel(session, code)
        places = located(session, channel, asked("location"))
        query = reports_listed(channel, is_gap=True if shown == "gaps" else None, location_ids=places)
        found = page(session, query, REPORT_ORDER, request.args.get("cursor"))
        return {
            "channel": channel,
            "rows": named_reports(session, found["items"]),
            "next": found["next"],
            "may_settle": may_in("channels.replay", channel.entity_id),
        }

    return render_template(
        "channels/reports.html", columns=REPORT_COLUMNS, choices=SHOWN, shown=shown, **in_scope(command)
    )


@channels.post("/<code>/reports")
@requires("channels.replay")
def acknowledge_report(code: str) -> ResponseReturnValue:
    """Note that the channel has taken over our number of an item at a location."""
    demand_whole_entities("channels.replay")
    sku = filled("sku")
    location = filled("location")

    def command(session: Session, now: datetime) -> list[int]:
        channel = known_channel(session, code, "channels.replay")
        item = items_by_sku(session, [sku]).get(sku)
        places = located(session, channel, location) or []
        if item is None:
            return []
        return [
            found for place in places for found in acknowledge(session, channel, place, [item.id], by=actor(), now=now)
        ]  # fmt: skip

    done = in_scope(command)
    flash(f"{sku} at {location}: correction acknowledged." if done else "There was nothing to acknowledge.", "good")
    return redirect(url_for("channels.reports", code=code), 303)
