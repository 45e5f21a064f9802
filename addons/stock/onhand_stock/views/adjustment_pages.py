"""HTML: what was asked for, one request with its trail, counting again, and files of adjustments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand import problems
from onhand.access import actor, actor_names, in_scope, principal, requires
from onhand.addons.models import Entity
from onhand.contributions import ImportReport
from onhand.reasons.api import reasons
from onhand.rehearsal import rehearse
from onhand.rest import page
from onhand.web import Column, asked, filled, filters, whole_number
from onhand_master_data.api import describe_items, describe_locations, match_items
from sqlalchemy.orm import Session

from onhand_stock.asked import (
    ADJUSTMENT_ORDER,
    STATUSES,
    AdjustmentFilter,
    adjustments_listed,
    entries_made,
    trail_of,
)
from onhand_stock.explanation import kind_labels
from onhand_stock.importers import adjustments_of
from onhand_stock.naming import movement_name
from onhand_stock.services import Adjusted, NotAdjusted, Recount, recount
from onhand_stock.views.adjusting import asked_here, may_post
from onhand_stock.views.asking import known_location, reach
from onhand_stock.views.pages import locations_in_reach, stock

__all__ = ["adjustment", "adjustments", "import_adjustments", "import_page", "recount_one"]

MATCHES_MAX = 200
ERRORS_SHOWN_MAX = 200
TONES = {
    "waiting": "info", "recount": "warn", "posted": "good", "rejected": "bad", "returned": "warn",
    "withdrawn": "neutral", "dropped": "neutral",
}  # fmt: skip
LABELS = {"waiting": "waits for approval", "recount": "to be counted again"}
ERRORS = [
    Column("row", "Row"),
    Column("column", "Column"),
    Column("value", "Value", "code"),
    Column("message", "What is wrong"),
]


@stock.get("/adjustments/")
@requires("stock.read")
def adjustments() -> str:
    """Show what was asked for, newest first."""
    return render_template(
        "stock/adjustments.html", filters=filters(), tones=TONES, labels=LABELS, may_ask=principal().may("stock.work"),
        **in_scope(_listed),
    )  # fmt: skip


@stock.get("/adjustments/<uuid:adjustment_id>")
@requires("stock.read")
def adjustment(adjustment_id: UUID) -> str:
    """Show one request: what was seen, what became of it, who decided, and the entries it was posted as."""
    return render_template(
        "stock/adjustment.html", tones=TONES, labels=LABELS,
        **in_scope(lambda session, _: _one(session, adjustment_id)),
    )  # fmt: skip


@stock.post("/adjustments/<uuid:adjustment_id>/recount")
@requires("stock.work")
def recount_one(adjustment_id: UUID) -> ResponseReturnValue:
    """Take what was counted, and send the request on its way."""
    counted = whole_number(filled("counted"), 10)

    def command(session: Session, now: datetime) -> Adjusted | NotAdjusted:
        row = asked_here(session, adjustment_id)
        if not principal().may("stock.work", row.entity_id, row.location_id):
            raise problems.NotFound("there is no such adjustment here")
        return recount(session, [Recount(adjustment_id, -1 if counted is None else counted)], by=actor(), now=now)[0]

    answer = in_scope(command)
    if isinstance(answer, NotAdjusted):
        flash(f"Not taken: {answer.detail}.", "bad")
    elif answer.status == "posted":
        flash("Counted and posted.", "good")
    else:
        flash(f"Counted: {answer.outcome}." if answer.outcome else "Counted. Others have to agree now.", "info")
    return redirect(url_for("stock.adjustment", adjustment_id=adjustment_id), 303)


@stock.get("/adjustments/import")
@requires("stock.work")
def import_page() -> str:
    """Ask for a file."""
    return _import_page()


@stock.post("/adjustments/import")
@requires("stock.work")
def import_adjustments() -> ResponseReturnValue:
    """Check a file, or take up all of its rows; where one is wrong none is, and every fault is named."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _import_page(file_error="Choose a CSV file."), 422
    dry_run, data = request.form.get("action") != "import", upload.read()

    def command(session: Session, now: datetime) -> ImportReport:
        within = reach("stock.work")
        return adjustments_of(
            session, data, actor(), now,
            within=lambda entity_id, place: (held := within.get(entity_id, ())) is None or place in held,
            trusted=may_post,
        )  # fmt: skip

    try:
        report = rehearse(in_scope, command, dry_run=dry_run)
    except problems.ImportRefused as refused:
        return _import_page(report=refused.report, name=upload.filename), 422
    if dry_run:
        return _import_page(report=report, name=upload.filename)
    flash(f"Taken up: {report.created} adjustments.", "good")
    return redirect(url_for("stock.adjustments"), 303)


def _import_page(**parts: object) -> str:
    return render_template("stock/import_adjustments.html", columns=ERRORS, errors_shown_max=ERRORS_SHOWN_MAX, **parts)


def _listed(session: Session, _: datetime) -> dict[str, Any]:
    text, code, status = asked("q"), asked("location"), asked("status")
    if status is not None and status not in STATUSES:
        raise problems.NotFound(f"there is no status {status!r}")
    wanted = AdjustmentFilter(
        status=status,
        item_ids=match_items(session, text, limit=MATCHES_MAX) if text else None,
        location_id=known_location(session, code).id if code else None,
    )
    found = page(session, adjustments_listed(wanted, reach()), ADJUSTMENT_ORDER, request.args.get("cursor"))
    rows = found["items"]
    items = describe_items(session, {row.item_id for row in rows})
    places = describe_locations(session, {row.location_id for row in rows})
    names = actor_names(session, {row.actor for row in rows})
    labels, kinds = _reason_labels(session), kind_labels(session)
    return {
        "rows": [
            {
                "id": row.id,
                "what": kinds.get(row.kind, row.kind),
                "sku": items[row.item_id].sku,
                "location": places[row.location_id].code,
                "delta": row.delta,
                "value": row.value_minor,
                "currency": _currency(session, row.entity_id),
                "reason": labels.get(row.reason, row.reason),
                "note": row.note,
                "status": row.shown,
                "role": row.waiting_role,
                "by": names.get(row.actor, row.actor),
                "recorded_at": row.recorded_at,
            }
            for row in rows
        ],
        "columns": COLUMNS,
        "next": found["next"],
        "locations": [(one.code, f"{one.name} ({one.code})") for one in locations_in_reach(session)],
        "statuses": [(status, LABELS.get(status, status).capitalize()) for status in STATUSES],
    }


def _href(row: dict[str, Any]) -> str:
    return url_for("stock.adjustment", adjustment_id=row["id"])


COLUMNS = [
    Column("what", "What", href=_href),
    Column("sku", "SKU", "code"),
    Column("location", "Location", "code"),
    Column("delta", "Change", "delta", href=_href),
    Column("value", "Value"),
    Column("reason", "Reason"),
    Column("status", "Status"),
    Column("by", "By"),
    Column("recorded_at", "Asked", "time"),
]


def _one(session: Session, adjustment_id: UUID) -> dict[str, Any]:
    row = asked_here(session, adjustment_id)
    names = actor_names(session, [row.actor])
    known = principal()
    return {
        "row": row,
        "item": describe_items(session, [row.item_id])[row.item_id],
        "place": describe_locations(session, [row.location_id])[row.location_id],
        "kinds": kind_labels(session),
        "reason": _reason_labels(session).get(row.reason, row.reason),
        "by": names.get(row.actor, row.actor),
        "currency": _currency(session, row.entity_id),
        "trail": [
            {"at": at, "by": by, "what": what}
            for at, by, what in trail_of(session, row, names.get(row.actor, row.actor))
        ],
        "entries": [
            {
                "name": movement_name(one.recorded_at, one.id),
                "kind": one.kind,
                "quantity": one.quantity,
                "from": one.from_state,
                "to": one.to_state,
                "value_minor": one.value_minor,
            }
            for one in entries_made(session, row)
        ],
        "approval": f"/approvals/{row.approval_id}"
        if row.approval_id and "approvals" in current_app.blueprints
        else None,
        "may_count": row.status == "recount" and known.may("stock.work", row.entity_id, row.location_id),
        "may_ask": known.may("stock.work", row.entity_id, row.location_id),
    }


def _reason_labels(session: Session) -> dict[str, str]:
    return {one.code: one.label for one in reasons(session, retired=True)}


def _currency(session: Session, entity_id: int) -> str:
    return session.get_one(Entity, entity_id).currency
