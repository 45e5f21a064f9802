"""HTML under `/reservations/<id>`: one hold, what became of it, and what may be done with it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, actor_names, in_scope, requires
from onhand.problems import NotFound
from onhand.web import Column, filled, whole_number
from onhand_channels.api import channels_of
from onhand_master_data.api import ItemName, LocationName, describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_reservations import queries, services, settings
from onhand_reservations.values import Change, Extended, Extension, Hold, NotAllowed, OutOfStock
from onhand_reservations.views.asking import HOLD, READ, may_hold_at, reach, within
from onhand_reservations.views.pages import TONES, reservations, shown_status
from onhand_reservations.views.timeline import Step, timeline_of

__all__ = ["confirm", "detail", "extend", "release"]

MINUTES_DIGITS_MAX = 5
REASONS = [
    ("cancel", "The customer no longer wants it"),
    ("payment_failed", "The payment failed"),
    ("stock_missing", "The units cannot be found"),
]


def _stock(row: dict[str, Any], state: str | None = None) -> str:
    return url_for("stock.item", sku=row["sku"], location=row["location"], state=state, _anchor="history")


LINE_COLUMNS = [
    Column("sku", "SKU", "code", href=_stock),
    Column("item", "Item"),
    Column("location", "Location", "code"),
    Column("quantity", "Promised", "quantity", href=_stock),
    Column("open", "Open", "quantity", href=lambda row: _stock(row, "reserved")),
    Column("fulfilled", "Handed over", "quantity", href=lambda row: "#entries" if row["fulfilled"] else None),
    Column("let_go", "Let go", "quantity", href=lambda row: "#entries" if row["let_go"] else None),
    Column("lapsed", "Lapsed", "quantity", href=lambda row: "#entries" if row["lapsed"] else None),
]
ENTRY_COLUMNS = [
    Column("name", "Entry", "code", href=lambda row: url_for("stock.entry", name=row["name"])),
    Column("kind", "What"),
    Column("sku", "SKU", "code"),
    Column("location", "Location", "code"),
    Column("quantity", "Units", "quantity", href=lambda row: url_for("stock.entry", name=row["name"])),
    Column("reason", "Why"),
    Column("by", "By"),
    Column("recorded_at", "When", "time"),
]


@reservations.get("/<uuid:hold_id>")
@requires(READ)
def detail(hold_id: UUID) -> str:
    """Show one hold."""
    return render_template(
        "reservations/hold.html",
        line_columns=LINE_COLUMNS,
        entry_columns=ENTRY_COLUMNS,
        tones=TONES,
        reasons=REASONS,
        **in_scope(lambda session, now: _detail(session, hold_id, now)),
    )


@reservations.post("/<uuid:hold_id>/confirm")
@requires(HOLD)
def confirm(hold_id: UUID) -> ResponseReturnValue:
    """Make a hold firm."""
    change = Change(hold_id, actor=actor().ref, within=within(HOLD))
    return _carry_out(hold_id, lambda s, now: services.confirm(s, [change], by=actor(), now=now), "Confirmed")


@reservations.post("/<uuid:hold_id>/release")
@requires(HOLD)
def release(hold_id: UUID) -> ResponseReturnValue:
    """Let a hold go for the reason chosen."""
    reason = filled("event")
    event = reason if reason in dict(REASONS) else "cancel"
    change = Change(hold_id, event=event, actor=actor().ref, within=within(HOLD))
    return _carry_out(hold_id, lambda s, now: services.release(s, [change], by=actor(), now=now), "Released")


@reservations.post("/<uuid:hold_id>/extend")
@requires(HOLD)
def extend(hold_id: UUID) -> ResponseReturnValue:
    """Hold longer, for the minutes given or as long as the channel's holds last."""
    minutes = whole_number(filled("minutes"), MINUTES_DIGITS_MAX)
    seconds = None if minutes is None else minutes * 60
    extension = Extension(hold_id, seconds, actor=actor().ref, within=within(HOLD))
    return _carry_out(hold_id, lambda s, now: services.extend(s, [extension], by=actor(), now=now), "Extended")


def _carry_out(
    hold_id: UUID, verb: Callable[[Session, datetime], Sequence[Extended]], done: str
) -> ResponseReturnValue:  # fmt: skip
    [answer] = in_scope(verb)
    match answer:
        case Hold():
            flash(f"{done}.", "good")
            hold_id = answer.id
        case NotAllowed(reason="not_found"):
            raise NotFound("there is no such hold here")
        case NotAllowed():
            flash(f"Not done: {answer.detail}.", "bad")
        case OutOfStock():
            short = ", ".join(f"{one.available} of {one.requested} {one.sku}" for one in answer.shortfalls)
            flash(f"Not done: it ran out, and there are only {short} to promise by now.", "bad")
    return redirect(url_for("reservations.detail", hold_id=hold_id), 303)


def _detail(session: Session, hold_id: UUID, now: datetime) -> dict[str, Any]:
    found = queries.hold_row(session, hold_id, reach())
    if found is None:
        raise NotFound("there is no such hold here")
    row, lines = found
    [channel] = [one for one in channels_of(session, [row.entity_id]) if one.id == row.channel_id]
    items = describe_items(session, {line.item_id for line in lines})
    places = {line.location_id for line in lines}
    locations = describe_locations(session, places)
    entries = queries.entries_of(session, row, channel.code, sorted(items), now)
    steps = timeline_of(row, entries)
    names = actor_names(session, {step.by for step in steps if step.by})
    status = shown_status(row, now)
    return {
        "hold": row,
        "channel": channel,
        "status": status,
        "is_overdue": row.status == "confirmed" and row.overdue_told_at is not None,
        "renewal": queries.renewal_of(session, hold_id),
        "steps": [_named(step, names) for step in steps],
        "lines": [_line(line, items[line.item_id], locations[line.location_id]) for line in lines],
        "entries": [
            {**entry._asdict(), "name": entry.name, "sku": items[entry.item_id].sku,
             "location": locations[entry.location_id].code, "by": names.get(entry.actor, entry.actor)}
            for entry in entries if entry.location_id in locations
        ],
        "minutes": settings.ttl_seconds(session, channel, now) // 60 or 1,
        "minutes_max": settings.ttl_seconds_max(session, channel, now) // 60 or 1,
        "may": _allowed(status, places),
    }  # fmt: skip


def _allowed(status: str, places: set[int]) -> set[str]:
    """Return what may be done with a hold by whoever looks at it."""
    if not may_hold_at(places):
        return set()
    return {"held": {"confirm", "extend", "release"}, "confirmed": {"release"}, "expired": {"extend"}}.get(
        status, set()
    )


def _line(line: Any, item: ItemName, location: LocationName) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "item": item.name,
        "location": location.code,
        "quantity": line.quantity,
        "open": line.quantity - line.fulfilled - line.released,
        "fulfilled": line.fulfilled,
        "let_go": line.released - line.lapsed,
        "lapsed": line.lapsed,
    }


def _named(step: Step, names: dict[str, str]) -> Step:
    return step._replace(by=None if step.by is None else names.get(step.by, step.by.removeprefix("system:")))
