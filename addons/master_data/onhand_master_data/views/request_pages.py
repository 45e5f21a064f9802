"""HTML: change requests, and the forms that make them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, asked, filled, filters
from sqlalchemy.orm import Session

from onhand_master_data import queries, requests, services
from onhand_master_data.conversion import parse_pack
from onhand_master_data.importing import read_barcode
from onhand_master_data.importing.table import parts
from onhand_master_data.refusals import FieldError, Refused
from onhand_master_data.services import Changed
from onhand_master_data.values import Item, ItemChange
from onhand_master_data.views.asking import demand_whole_entities, everywhere, known_item, may_edit
from onhand_master_data.views.changing import carried_out, terms_filled
from onhand_master_data.views.pages import master_data
from onhand_master_data.views.requests import known_request

__all__ = ["request_pages"]

request_pages = master_data
LIST_CHARACTERS_MAX = 100_000
TONES = {"pending": "warn", "scheduled": "info", "applied": "good", "failed": "bad", "returned": "warn"}
COLUMNS = [
    Column("title", "What", href=lambda row: url_for("master_data.change_request", request_id=row.id)),
    Column("status", "State"),
    Column("effective_at", "On", "day"),
    Column("requester_name", "Asked by"),
    Column("requested_at", "When", "time"),
]
LINES = [Column("label", "What"), Column("before", "Before"), Column("after", "After"), Column("unit", "Unit")]


@master_data.get("/requests")
@requires("master_data.read")
def change_requests() -> str:
    """List the requests that concern the entity, the newest first."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        status = asked("status")
        query = requests.requests_listed(scope(), status if status in requests.STATUSES else None, asked("q"))
        found = page(session, query, requests.REQUEST_ORDER, request.args.get("cursor"))
        return {"rows": found["items"], "next": found["next"]}

    return render_template(
        "master_data/requests.html",
        columns=COLUMNS,
        statuses=[(status, status.capitalize()) for status in requests.STATUSES],
        tones=TONES,
        filters=filters(),
        **in_scope(command),
    )


@master_data.get("/requests/<uuid:request_id>")
@requires("master_data.read")
def change_request(request_id: UUID) -> str:
    """Show one request: what it changes, how far it is, and why it is no further."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        found = known_request(session, request_id)
        ids = {entity_id: code for code, entity_id in queries.ids_by_entity(session).items()}
        return {"found": found, "entities": [ids[entity_id] for entity_id in found.entities]}

    return render_template(
        "master_data/request.html", columns=LINES, tones=TONES, may_edit=may_edit(), **in_scope(command)
    )


@master_data.post("/requests/<uuid:request_id>/withdraw")
@requires("master_data.edit")
def withdraw_request(request_id: UUID) -> ResponseReturnValue:
    """Take a request back."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> None:
        known_request(session, request_id)
        services.withdraw_requests(session, [request_id], by=actor(), now=now)

    try:
        in_scope(command)
        flash("Withdrawn.", "success")
    except Refused as refused:
        flash("; ".join(error.message for error in refused.errors), "error")
    return redirect(url_for("master_data.change_request", request_id=request_id), 303)


@master_data.get("/items/<sku>/change")
@requires("master_data.edit")
def item_form(sku: str) -> str:
    """Offer what can be changed of an item."""
    return _form(sku, {}, None)


@master_data.post("/items/<sku>/change")
@requires("master_data.edit")
def change_item(sku: str) -> ResponseReturnValue:
    """Change an item, or ask for it where it is in use."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> Changed:
        wish, errors = _wish(known_item(session, sku))
        return services.change_items(session, [wish], terms=terms_filled(session, errors), by=actor(), now=now)

    again = lambda errors: _form(sku, errors, request.form)  # noqa: E731 - it is called in one place
    return carried_out(command, everywhere(), again, url_for("master_data.item", sku=filled("sku") or sku))


def _wish(known: Item) -> tuple[ItemChange, list[FieldError]]:
    errors: list[FieldError] = []
    packs = list(known.packs)
    try:
        packs = [parse_pack(part) for part in parts(filled("packs", LIST_CHARACTERS_MAX))]
    except ValueError as error:
        errors.append(FieldError(0, "packs", str(error), filled("packs")))
    wish = ItemChange(
        known.sku,
        new_sku=filled("sku"),
        name=filled("name"),
        category=filled("category") or None,
        active=bool(filled("active")),
        packs=tuple(packs),
        barcodes=tuple(read_barcode(part) for part in parts(filled("gtin", LIST_CHARACTERS_MAX))),
    )
    return wish, errors


def _form(sku: str, errors: dict[str, str], given: Any) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        known = known_item(session, sku)
        stands = {
            "sku": known.sku,
            "name": known.name,
            "category": known.category,
            "active": "1" if known.active else "",
            "packs": "|".join(_written(pack.unit, pack.numerator, pack.denominator) for pack in known.packs),
            "gtin": "|".join(f"{code.unit}:{code.gtin}" if code.unit else code.gtin for code in known.barcodes),
        }
        return {
            "item": known,
            "given": stands if given is None else given,
            "entity": queries.entity_of(session, scope()[0]),
            "categories": [(one.code, f"{one.name} ({one.code})") for one in queries.categories(session).values()],
        }

    return render_template("master_data/item_form.html", errors=errors, **in_scope(load))


def _written(unit: str, numerator: int, denominator: int) -> str:
    return f"{unit}={numerator}" + (f"/{denominator}" if denominator > 1 else "")
