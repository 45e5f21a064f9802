"""HTML under `/channels/`: the list of channels and one channel."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, asked, filled
from sqlalchemy.orm import Session

from onhand_channels import queries, reasons
from onhand_channels.listings import (
    CHANNEL_ORDER,
    CONFLICT_ORDER,
    EVENT_ORDER,
    ChannelFilter,
    EventFilter,
    channels_listed,
    conflicts_listed,
    events_listed,
)
from onhand_channels.models import KINDS
from onhand_channels.services import channels_by_code, health_of, latency, settle_conflicts
from onhand_channels.states import STATES
from onhand_channels.values import ChannelRef
from onhand_channels.views.asking import demand_whole_entities, known_channel, may_in, reach
from onhand_channels.views.replaying import replay_all, replay_ids

__all__ = ["EVENT_COLUMNS", "KIND_LABELS", "asked_event_id", "channels"]

channels = Blueprint("channels", __name__, url_prefix="/channels", template_folder="../templates", static_folder=None)

SHORT_LIST = 10
KIND_LABELS = {
    "pos": "Point of sale",
    "ecommerce": "E-commerce",
    "call_centre": "Call centre",
    "marketplace": "Marketplace",
}
assert KIND_LABELS.keys() == set(KINDS)  # noqa: S101 - each kind has its label
COLUMNS = [
    Column("code", "Channel", "code", href=lambda row: url_for("channels.channel", code=row["code"])),
    Column("name", "Name"),
    Column("kind", "Kind"),
    Column("state", "State"),
    Column("locations", "Locations"),
    Column("events", "Events today", "quantity", href=lambda row: url_for("channels.events", code=row["code"])),
    Column(
        "parked", "Parked", "quantity",
        href=lambda row: url_for("channels.events", code=row["code"], outcome="parked") if row["parked"] else None,
    ),
    Column("conflicts", "Conflicts", "quantity",
           href=lambda row: url_for("channels.channel", code=row["code"]) + "#conflicts" if row["conflicts"] else None),
    Column("latency", "Latency, 95 % within"),
    Column("health", "Health"),
]  # fmt: skip
EVENT_COLUMNS = [
    Column("event_id", "Event", "code"),
    Column("type", "Type"),
    Column("outcome", "Outcome"),
    Column("reason", "Why"),
    Column("occurred_at", "Occurred", "time"),
    Column("recorded_at", "Recorded", "time"),
]
LATENCY_COLUMNS = [
    Column("type", "Type"),
    Column("events", "Events", "quantity"),
    Column("p50_seconds", "Half within"),
    Column("p95_seconds", "95 % within"),
    Column("max_seconds", "Latest"),
]
REASON_COLUMNS = [Column("title", "Why"), Column("mend", "What to do"), Column("count", "Events", "quantity")]
CONFLICT_COLUMNS = [
    Column("id", "Event", "code"),
    Column("bodies", "Other bodies"),
    Column("recorded_at", "Last came", "time"),
]


@channels.get("/")
@requires("channels.read")
def index() -> str:
    """List the channels of the entity, with what they told today and how late."""

    def command(session: Session, now: datetime) -> dict[str, Any]:
        kind = request.args.get("kind")
        state = request.args.get("state")
        narrowed = ChannelFilter(
            text=asked("q"), kind=kind if kind in KINDS else None, state=state if state in STATES else None
        )
        found = page(session, channels_listed(narrowed, reach()), CHANNEL_ORDER, request.args.get("cursor"))
        refs = channels_by_code(session, [row.code for row in found["items"]])
        may_edit = may_in("channels.edit", scope()[0])
        return {"rows": _rows(session, refs, now), "next": found["next"], "may_edit": may_edit}

    return render_template(
        "channels/index.html",
        columns=COLUMNS,
        kinds=KIND_LABELS,
        state_choices=[(state, state.capitalize()) for state in STATES],
        count_max=queries.COUNT_MAX,
        **in_scope(command),
    )


@channels.get("/<code>")
@requires("channels.read")
def channel(code: str) -> str:
    """Show one channel: how late it tells, what is parked and why, conflicts, the newest events."""
    return render_template(
        "channels/channel.html",
        kinds=KIND_LABELS,
        event_columns=EVENT_COLUMNS,
        latency_columns=LATENCY_COLUMNS,
        reason_columns=REASON_COLUMNS,
        conflict_columns=CONFLICT_COLUMNS,
        why=reasons.title,
        **in_scope(lambda session, now: _channel(session, code, now)),
    )


@channels.post("/<code>/replay")
@requires("channels.replay")
def replay(code: str) -> ResponseReturnValue:
    """Try one parked event again, or all of the channel."""
    event_id = asked_event_id()
    if event_id:
        results, left = replay_ids(code, [event_id]), None
    else:
        results, left = replay_all(code)
    posted = sum(outcome.outcome == "posted" for outcome in results)
    still = len(results) - posted
    message = f"{posted:,} posted" + (f", {still:,} still parked" if still else "") if results else "Nothing was parked"
    flash(f"{message}. More are left: replay again." if left else f"{message}.", "bad" if still else "good")
    if event_id:
        return redirect(url_for("channels.event", code=code, id=event_id), 303)
    return redirect(url_for("channels.channel", code=code), 303)


@channels.post("/<code>/settle")
@requires("channels.replay")
def settle(code: str) -> ResponseReturnValue:
    """Settle the conflicts of an event, with what was found."""
    demand_whole_entities("channels.replay")
    event_id = asked_event_id()
    note = filled("note")
    if not note:
        flash("Not settled: say what was found.", "bad")
        return redirect(url_for("channels.event", code=code, id=event_id) + "#conflicts", 303)

    def command(session: Session, now: datetime) -> list[str]:
        found = known_channel(session, code, "channels.replay")
        return settle_conflicts(session, found, [event_id], note, by=actor(), now=now)

    flash("Settled." if in_scope(command) else "There was no open conflict.", "good")
    return redirect(url_for("channels.event", code=code, id=event_id), 303)


def asked_event_id() -> str:
    """Return the id of the event that is asked for, in the address or a form: as it was told, blanks and all."""
    return request.values.get("id", "").replace("\x00", "")


def _rows(session: Session, refs: Sequence[ChannelRef], now: datetime) -> list[dict[str, Any]]:
    figures = queries.figures(session, refs, now)
    codes = queries.location_codes(session, refs)
    healths = health_of(session, refs, now=now)
    return [
        {
            "code": ref.code,
            "name": ref.name,
            "kind": ref.kind,
            "state": ref.state,
            "locations": [codes[location_id] for location_id in ref.location_ids],
            "events": figures[ref.id].events,
            "parked": figures[ref.id].parked,
            "conflicts": figures[ref.id].conflicts,
            "latency": healths[ref.id].p95_seconds,
            "limit": healths[ref.id].limit_seconds,
            "health": healths[ref.id].faults,
            "mode": ref.mode,
        }
        for ref in refs
    ]


def _channel(session: Session, code: str, now: datetime) -> dict[str, Any]:
    ref = known_channel(session, code)
    codes = queries.location_codes(session, [ref])
    newest = page(session, events_listed(ref, EventFilter()), EVENT_ORDER, None, SHORT_LIST)
    parked = page(session, events_listed(ref, EventFilter(outcome="parked")), EVENT_ORDER, None, SHORT_LIST)
    conflicts = page(session, conflicts_listed(ref, is_settled=False), CONFLICT_ORDER, None, SHORT_LIST)
    return {
        "channel": ref,
        "locations": [codes[location_id] for location_id in ref.location_ids],
        "figures": queries.figures(session, [ref], now)[ref.id],
        "latencies": latency.report(session, [ref], since=now - timedelta(days=1)),
        "limit": latency.limit_of(session, ref, now),
        "parked_reasons": [
            {"reason": reason, "title": reasons.title(reason), "mend": reasons.mend(reason), "count": count}
            for reason, count in queries.parked_reasons(session, ref)
        ],
        "parked": parked["items"],
        "conflicts": _by_event(conflicts["items"]),
        "newest": newest["items"],
        "may_replay": may_in("channels.replay", ref.entity_id),
        "may_edit": may_in("channels.edit", ref.entity_id),
        "count_max": queries.COUNT_MAX,
    }


def _by_event(conflicts: Sequence[Any]) -> list[dict[str, Any]]:
    """Return one row per event of conflicts that come newest first."""
    rows: dict[str, dict[str, Any]] = {}
    for one in conflicts:
        row = rows.setdefault(one.event_id, {"id": one.event_id, "bodies": 0, "recorded_at": one.recorded_at})
        row["bodies"] += 1
    return list(rows.values())
