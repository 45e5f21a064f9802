"""The pages: load, call one verb, render."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import msgspec
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand import problems
from onhand.access import actor, in_scope, principal, requires, scope
from onhand.rehearsal import rehearse
from onhand.rest import page
from onhand.web import Column, trimmed
from onhand_channels.api import Delivery, Outcome, channels_by_code, take_in
from sqlalchemy.orm import Session

from onhand_csv_drop import folders, queries, services
from onhand_csv_drop.models import File, Source
from onhand_csv_drop.reading import FIELDS, Layout, Line, read
from onhand_csv_drop.services import Draft, Taken
from onhand_csv_drop.taking import layout_of, take

__all__ = ["csv_drop"]

csv_drop = Blueprint("csv_drop", __name__, url_prefix="/csv_drop", template_folder="templates")

TYPES = {
    "onhand.sale.v1": "Sales over the counter",
    "onhand.receipt.v1": "Receipts from suppliers",
    "onhand.return.v1": "Returns from customers",
    "onhand.shipment.v1": "Shipments for orders",
    "onhand.stock_report.v1": "Stock reports: the channel's own numbers",
}
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
PREVIEWED = 10
FILES = [
    Column("name", "File", href=lambda row: url_for("csv_drop.outcome", file_id=row.id)),
    Column("source", "Source", "code", href=lambda row: url_for("csv_drop.source", name=row.source)),
    Column("rows", "Rows", "quantity"),
    Column("posted", "Posted", "quantity"),
    Column("refused", "Refused", "quantity", href=lambda row: url_for("csv_drop.outcome", file_id=row.id)),
    Column("recorded_at", "Taken", "time"),
]
SOURCES = [
    Column("name", "Source", "code", href=lambda row: url_for("csv_drop.source", name=row.name)),
    Column("event_type", "Holds"),
    Column("channel", "Channel", "code"),
]
PREVIEW = [
    Column("row", "Row"),
    Column("outcome", "Would be"),
    Column("problem", "Problem"),
    Column("item", "Item", "code"),
    Column("quantity", "Quantity", "quantity"),
    Column("location", "Location", "code"),
    Column("time", "Time"),
]


@csv_drop.get("/")
@requires("csv_drop.read")
def index() -> str:
    """Show where files come from, and those taken last."""
    _demand_whole("csv_drop.read")

    def load(session: Session, _: datetime) -> dict[str, Any]:
        found = page(session, queries.files(scope()), queries.ORDER, request.args.get("cursor"))
        return {"rows": found["items"], "next": found["next"], "sources": queries.sources(session, scope())}

    return render_template("csv_drop/index.html", columns=FILES, source_columns=SOURCES, types=TYPES,
                           may_edit=principal().may("csv_drop.edit", scope()[0]), **in_scope(load))  # fmt: skip


@csv_drop.get("/sources/<name>")
@requires("csv_drop.read")
def source(name: str) -> str:
    """Show a source, its files, and where to leave or upload one."""
    _demand_whole("csv_drop.read")
    return _source_page(name)


@csv_drop.post("/sources/<name>")
@requires("csv_drop.post")
def upload(name: str) -> ResponseReturnValue:
    """Say what would become of the first rows of a file; or post all of them."""
    _demand_whole("csv_drop.post")
    source = in_scope(lambda session, _: _known(session, name))
    given = request.files.get("file")
    if given is None or not given.filename:
        return _source_page(name, error="Choose a CSV file."), 422
    data, title = given.read(), trimmed(given.filename)[-200:]
    if request.form.get("action") != "post":
        return _source_page(name, preview=_preview(source, data), previewed=title)
    file = take(source, title, data, left_at=in_scope(lambda _, now: now), by=actor())
    flash(
        f"{title}: {file.posted} of {file.rows} rows posted, {file.refused} refused.", "bad" if file.refused else "good"
    )
    return redirect(url_for(".source", name=name), 303)


@csv_drop.get("/files/<uuid:file_id>/outcome")
@requires("csv_drop.read")
def outcome(file_id: UUID) -> Response:
    """Hand out what became of every row of a file, as CSV."""
    _demand_whole("csv_drop.read")
    found: File | None = in_scope(lambda session, _: queries.file(session, scope(), file_id))
    if found is None:
        raise problems.NotFound("there is no such file")
    answer = Response(found.outcome, mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{found.name.removesuffix('.csv')}.outcome.csv")
    return answer


@csv_drop.get("/edit")
@requires("csv_drop.edit")
def edit() -> str:
    """Ask what the columns of a source's files mean; of a new one, or of the one named in the query."""
    _demand_whole("csv_drop.edit")
    name = request.args.get("name", "")
    if not name:
        return _form({"event_type": "onhand.sale.v1", "zone": "UTC"}, {})
    source = in_scope(lambda session, _: _known(session, name))
    given = {"name": name, "channel": source.channel, "event_type": source.event_type, "location": source.location}
    return _form(
        {**given, "zone": source.zone, **{f"column_{field}": said for field, said in source.columns.items()}}, {}
    )


@csv_drop.post("/edit")
@requires("csv_drop.edit")
def save() -> ResponseReturnValue:
    """Save a source: a new one, or what is there under its name."""
    _demand_whole("csv_drop.edit")
    given = {name: trimmed(text, 200) for name, text in request.form.items()}
    columns = {field: given[f"column_{field}"] for field in FIELDS if given.get(f"column_{field}")}
    named = ("channel", "event_type", "location", "zone")
    channel, event_type, location, zone = (given.get(name, "") for name in named)
    layout = Layout(channel, event_type, columns, location, zone)

    def command(session: Session, now: datetime) -> dict[str, str]:
        errors = _errors(given.get("name", ""), layout, {one.code for one in queries.channels(session, scope())})
        if errors:
            return errors
        [answer] = services.save(session, [Draft(scope()[0], given["name"], layout)], by=actor(), now=now)
        return (
            {"name": "Another entity has a source of this name: choose another."} if isinstance(answer, Taken) else {}
        )

    errors = in_scope(command)
    if errors:
        return _form(given, errors), 422
    flash("Saved.", "good")
    return redirect(url_for(".source", name=given["name"]), 303)


def _errors(name: str, layout: Layout, channels: set[str]) -> dict[str, str]:
    headings = [heading.lower() for heading in layout.columns.values()]
    checks = [
        ("name", NAME.fullmatch(name), "1 to 40 small letters, digits, dashes and underscores."),
        ("channel", layout.channel in channels, "Choose one of this entity's channels."),
        ("event_type", layout.event_type in TYPES, "Choose what the files hold."),
        ("zone", layout.zone in available_timezones(), "No time zone: say Europe/Berlin, or UTC."),
        ("location", layout.location or "location" in layout.columns, "Say which it is, or which column names it."),
        ("column_sku", {"sku", "gtin"} & layout.columns.keys(), "Which column names the item? By SKU or by GTIN."),
        ("column_quantity", "quantity" in layout.columns, "Which column holds the quantity?"),
        ("column_id", len(set(headings)) == len(headings), "One column is named twice: each means one thing."),
    ]
    return {field: said for field, is_fine, said in checks if not is_fine}


def _preview(source: Source, data: bytes) -> list[dict[str, Any]]:
    """Post the first rows, look at the answers, and undo it."""

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        lines = read(layout_of(source), data, digest="preview", left_at=now)[:PREVIEWED]
        events = [msgspec.Raw(msgspec.json.encode(line.event)) for line in lines if line.event]
        [channel] = channels_by_code(session, [source.channel])
        answers = iter(take_in(session, [Delivery(channel, events)], by=actor(), now=now)[0])
        return [_previewed(line, next(answers) if line.event else None) for line in lines]

    return rehearse(in_scope, command)


def _previewed(line: Line, answer: Outcome | None) -> dict[str, Any]:
    row = dict.fromkeys((column.key for column in PREVIEW), None)
    if line.event is None or answer is None:
        return {**row, "row": line.row, "outcome": "refused", "problem": line.fault}
    [told], location = line.event["data"]["lines"], line.event["data"]["location"]
    seen = {"item": told.get("sku") or told["gtin"], "quantity": told["quantity"], "location": location}
    problem = (answer.problem or {}).get("detail")
    return {"row": line.row, "outcome": answer.outcome, "problem": problem, **seen, "time": line.event["time"]}


def _source_page(name: str, **parts: object) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        source = _known(session, name)
        found = page(session, queries.files(scope(), source.id), queries.ORDER, request.args.get("cursor"))
        return {"source": source, "rows": found["items"], "next": found["next"]}

    here = principal()
    return render_template("csv_drop/source.html", columns=FILES, preview_columns=PREVIEW, types=TYPES, fields=FIELDS,
                           folder=folders.folder_of(name), may_edit=here.may("csv_drop.edit", scope()[0]),
                           may_post=here.may("csv_drop.post", scope()[0]), **in_scope(load), **parts)  # fmt: skip


def _form(given: dict[str, str], errors: dict[str, str]) -> str:
    channels = in_scope(lambda session, _: queries.channels(session, scope()))
    return render_template(
        "csv_drop/edit.html", given=given, errors=errors, fields=FIELDS, types=list(TYPES.items()),
        channels=[(one.code, f"{one.name} ({one.code})") for one in channels],
    )  # fmt: skip


def _known(session: Session, name: str) -> Source:
    found = queries.source(session, scope(), name)
    if found is None:
        raise problems.NotFound("there is no such source of files")
    return found


def _demand_whole(permission: str) -> None:
    if any(principal().locations(permission, entity_id) is not None for entity_id in scope()):
        raise problems.Forbidden("files concern a whole channel; the permission is held at single locations only")
