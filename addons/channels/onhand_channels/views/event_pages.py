"""HTML under `/channels/<code>/`: the events of a channel, and one event."""

from datetime import datetime
from typing import Any

import msgspec
from flask import render_template, request, url_for
from onhand import problems
from onhand.access import actor_names, in_scope, requires
from onhand.rest import page
from onhand.web import Column, asked, filters
from onhand_stock.api import movement_name
from sqlalchemy.orm import Session

from onhand_channels import queries, reasons
from onhand_channels.listings import EVENT_ORDER, EventFilter, events_listed
from onhand_channels.views.asking import known_channel, may_in
from onhand_channels.views.pages import EVENT_COLUMNS, asked_event_id, channels

__all__ = ["event_pages"]


def _entry_page(row: queries.EntryRow) -> str:
    return url_for("stock.entry", name=movement_name(row.recorded_at, row.id))


event_pages = channels
OUTCOMES = [("posted", "Posted"), ("parked", "Parked"), ("shadowed", "Shadowed")]
ENTRY_COLUMNS = [
    Column("kind", "Entry"),
    Column("sku", "Item", "code", href=lambda row: url_for("stock.item", sku=row.sku)),
    Column("quantity", "Quantity", "quantity"),
    Column("from_state", "From"),
    Column("to_state", "To"),
    Column("id", "Ledger entry", "code", href=_entry_page),
]


@channels.get("/<code>/events")
@requires("channels.read")
def events(code: str) -> str:
    """List what a channel told, newest first."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        channel = known_channel(session, code)
        wanted = EventFilter(asked("outcome"), asked("reason"), asked("type"), asked("q"))
        found = page(session, events_listed(channel, wanted), EVENT_ORDER, request.args.get("cursor"))
        return {"channel": channel, "rows": found["items"], "next": found["next"]}

    return render_template(
        "channels/events.html",
        columns=EVENT_COLUMNS,
        outcomes=OUTCOMES,
        reason_choices=[(reason, reasons.title(reason)) for reason in reasons.PARKED],
        why=reasons.title,
        filters=filters(),
        **in_scope(command),
    )


@channels.get("/<code>/event")
@requires("channels.read")
def event(code: str) -> str:
    """Show one event: what it says, what became of it, what to mend, the entries it made. Its id is in the query."""
    event_id = asked_event_id()
    return render_template(
        "channels/event.html",
        entry_columns=ENTRY_COLUMNS,
        why=reasons.title,
        mend=reasons.mend,
        **in_scope(lambda session, _: _event(session, code, event_id)),
    )


def _event(session: Session, code: str, event_id: str) -> dict[str, Any]:
    channel = known_channel(session, code)
    kept = queries.event(session, channel, event_id)
    if kept is None:
        raise problems.NotFound("there is no such event")
    conflicts = queries.conflicts_of(session, channel, event_id)
    return {
        "channel": channel,
        "event": kept,
        "body": _pretty(kept.body),
        "entries": queries.entries(session, channel, kept),
        "conflicts": [{"body": _pretty(one.body), "row": one} for one in conflicts],
        "people": actor_names(session, {one.settled_by for one in conflicts if one.settled_by}),
        "may_replay": may_in("channels.replay", channel.entity_id),
    }


def _pretty(body: str) -> str:
    try:
        return msgspec.json.format(body, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return body
