"""HTML under `/channels/<code>/shadow`: the shadow report."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import in_scope, requires
from onhand.rest import page
from onhand.web import Column
from sqlalchemy.orm import Session

from onhand_channels import shadow_report
from onhand_channels.listings import SHADOW_ORDER, shadow_lines_listed
from onhand_channels.views.asking import known_channel, may_in
from onhand_channels.views.pages import channels
from onhand_channels.views.replaying import replay_all

__all__ = ["shadow_pages"]

shadow_pages = channels
PROBLEM_COLUMNS = [Column("title", "Problem"), Column("mend", "What to do"), Column("count", "Events", "quantity")]
KIND_COLUMNS = [
    Column("kind", "Would have been"),
    Column("lines", "Lines", "quantity"),
    Column("quantity", "Units", "quantity"),
    Column("short", "Lines short", "quantity"),
    Column("shortage", "Units short", "quantity"),
]
LINE_COLUMNS = [
    Column("event", "Event", "code"),
    Column("kind", "Would have been"),
    Column("sku", "Item", "code"),
    Column("location", "Location", "code"),
    Column("quantity", "Units", "quantity"),
    Column("shortage", "Units short", "quantity"),
    Column("recorded_at", "Told", "time"),
]


@channels.get("/<code>/shadow")
@requires("channels.read")
def shadow(code: str) -> str:
    """Show what a channel told before it was live and what that would have posted."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        channel = known_channel(session, code)
        found = page(session, shadow_lines_listed(channel), SHADOW_ORDER, request.args.get("cursor"))
        return {
            "channel": channel,
            "report": shadow_report.report(session, channel),
            "lines": shadow_report.named_lines(session, found["items"]),
            "next": found["next"],
            "may_replay": channel.active and may_in("channels.replay", channel.entity_id),
        }

    return render_template(
        "channels/shadow.html",
        problem_columns=PROBLEM_COLUMNS,
        kind_columns=KIND_COLUMNS,
        line_columns=LINE_COLUMNS,
        **in_scope(command),
    )


@channels.post("/<code>/shadow/replay")
@requires("channels.replay")
def replay_shadowed(code: str) -> ResponseReturnValue:
    """Carry out what a channel told before it was live."""
    results, left = replay_all(code, outcome="shadowed")
    posted = sum(outcome.outcome == "posted" for outcome in results)
    parked = len(results) - posted
    message = f"{posted:,} posted" + (f", {parked:,} parked" if parked else "") if results else "Nothing was replayed"
    flash(f"{message}. More are left: replay again." if left else f"{message}.", "bad" if parked else "good")
    return redirect(url_for("channels.shadow", code=code), 303)
