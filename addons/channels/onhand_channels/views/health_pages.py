"""HTML under `/channels/<code>/health`: how a channel is, and how far it is degraded."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires
from onhand.policies.services import resolve
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_channels.services import degrade, feeding, health_of
from onhand_channels.services.checklist import PLAN
from onhand_channels.values import Degrade, Degraded, Stayed
from onhand_channels.views.asking import demand_whole_entities, known_channel, may_in
from onhand_channels.views.feed_page import feed_of
from onhand_channels.views.pages import channels

__all__ = ["MODE_LABELS", "health_pages"]

health_pages = channels
MODE_LABELS = {
    "normal": "Normal",
    "raise_buffer": "Raised buffer: more units of everything are kept back",
    "stop_holds": "No new holds: what is promised runs out",
    "suspend": "Suspend: events are parked, no new holds",
    "automatic": "Automatic: leave it to the degradation plan",
}
STALE_COLUMNS = [
    Column("sku", "Item", "code", href=lambda row: url_for("stock.item", sku=row["sku"])),
    Column("location", "Location", "code"),
    Column("theirs", "Theirs", "quantity"),
    Column("acknowledged", "It acknowledged", "quantity"),
    Column("theirs_at", "Seen", "time"),
]
PARKED_COLUMNS = [
    Column("sku", "Item", "code", href=lambda row: url_for("stock.item", sku=row["sku"])),
    Column("location", "Location", "code"),
    Column("reason", "Why"),
    Column("attempts", "Attempts", "quantity"),
    Column("parked_at", "Parked", "time"),
]


@channels.get("/<code>/health")
@requires("channels.read")
def health(code: str) -> str:
    """Show how a channel is against its service levels, and how far it is degraded."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        channel = known_channel(session, code)
        return {
            "channel": channel,
            "health": health_of(session, [channel], now=now)[channel.id],
            "plan": str(resolve(session, PLAN, channel.where, at=now)),
            "feed": feed_of(session, channel, now),
            "may_replay": may_in("channels.replay", channel.entity_id),
            "may_edit": channel.active and may_in("channels.edit", channel.entity_id),
        }

    return render_template(
        "channels/health.html", modes=MODE_LABELS, parked_columns=PARKED_COLUMNS, stale_columns=STALE_COLUMNS,
        **in_scope(command),
    )  # fmt: skip


@channels.post("/<code>/health")
@requires("channels.edit")
def choose_mode(code: str) -> ResponseReturnValue:
    """Choose by hand how far a channel is degraded."""
    demand_whole_entities("channels.edit")
    reason = filled("reason")
    wish = Degrade(code, request.form.get("mode", ""), reason)

    def command(session: Session, now: datetime) -> Degraded | Stayed:
        known_channel(session, code, "channels.edit")
        return degrade(session, [wish], by=actor(), now=now)[0]

    answer = in_scope(command)
    if isinstance(answer, Stayed):
        flash(f"It stays as it is: {answer.detail}.", "bad")
    else:
        flash(f"Chosen: {MODE_LABELS[answer.mode]}.", "good")
    return redirect(url_for("channels.health", code=code), 303)


@channels.post("/<code>/feed")
@requires("channels.replay")
def retry_feed(code: str) -> ResponseReturnValue:
    """Have the numbers that were parked tried again."""
    demand_whole_entities("channels.replay")

    def command(session: Session, now: datetime) -> int:
        channel = known_channel(session, code, "channels.replay")
        return feeding.retry_numbers(session, channel, by=actor(), now=now)

    keys = in_scope(command)
    flash(f"{keys} {'number is' if keys == 1 else 'numbers are'} due again." if keys else "Nothing was parked.", "good")
    return redirect(url_for("channels.health", code=code) + "#feed", 303)
