"""HTML: an item that is near-same to another, to be merged or told apart; and the way there from the inbox."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.contributions import ExceptionAction, ExceptionSubject
from onhand.web import Column, asked, filled
from sqlalchemy.orm import Session

from onhand_master_data import queries, services
from onhand_master_data.refusals import Refused
from onhand_master_data.services import Changed, Distinct
from onhand_master_data.services.left_open import KIND as LEFT_OPEN
from onhand_master_data.services.measuring import KIND
from onhand_master_data.values import Item, ItemMerge
from onhand_master_data.views.asking import demand_whole_entities, everywhere, known_item
from onhand_master_data.views.changing import NOTE_CHARACTERS_MAX, carried_out, terms_filled
from onhand_master_data.views.pages import errors_by_field, master_data

__all__ = ["duplicate_pages", "next_steps"]

duplicate_pages = master_data
COLUMNS = [
    Column("label", "What"),
    Column("this", "This item"),
    Column("other", "The other"),
]
LINES = [
    Column("label", "Field"),
    Column("before", "Before"),
    Column("after", "After"),
]


def next_steps(session: Session, exception: ExceptionSubject) -> list[ExceptionAction]:
    """Return the way to where a duplicate is merged or told apart, and to an item that was merged and is not empty."""
    if exception.item_id is None or not {KIND, LEFT_OPEN} & set(exception.kinds):
        return []
    item = queries.describe_items(session, [exception.item_id]).get(exception.item_id)
    if item is not None and LEFT_OPEN in exception.kinds:
        hint = "Opens the item: make it active again, then move to the one that remains what is still there."
        href = url_for("master_data.item", sku=item.sku)
        return [ExceptionAction("Open the merged item", href, "master_data.edit", icon="packages", hint=hint, order=20)]
    if item is None or services.near_same_to(session, exception.entity_id, exception.item_id) is None:
        return []
    href = url_for("master_data.duplicate", sku=item.sku)
    hint = "Shows it beside what it is nearly the same as: merge the two, or say that they are not the same."
    return [ExceptionAction("Merge or tell apart", href, "master_data.edit", icon="packages", hint=hint, order=20)]


@master_data.get("/items/<sku>/duplicate")
@requires("master_data.edit")
def duplicate(sku: str) -> str:
    """Show an item beside the one it is near-same to, and what merging them would change. Changes nothing."""
    return _page(sku, {}, request.args)


@master_data.post("/items/<sku>/merge")
@requires("master_data.edit")
def merge_item(sku: str) -> ResponseReturnValue:
    """Merge an item into another, or ask for that."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> Changed:
        merge = ItemMerge(known_item(session, sku).sku, filled("survivor"), bool(filled("stock_survivor")))
        return services.merge_items(session, [merge], terms=terms_filled(session), by=actor(), now=now)

    again = lambda errors: _page(sku, errors, request.form)  # noqa: E731 - it is called in one place
    return carried_out(command, everywhere(), again, url_for("master_data.item", sku=sku))


@master_data.post("/items/<sku>/distinct")
@requires("master_data.edit")
def distinct_item(sku: str) -> ResponseReturnValue:
    """Remember that two items are not the same."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> None:
        pair = Distinct(known_item(session, sku).sku, filled("other"), filled("note", NOTE_CHARACTERS_MAX) or None)
        services.tell_apart(session, [pair], by=actor(), now=now)

    try:
        in_scope(command)
    except Refused as refused:
        return _page(sku, errors_by_field(refused), request.form), 422
    flash("Remembered: the two are not the same, and are not proposed again.", "success")
    return redirect(url_for("master_data.item", sku=sku), 303)


def _page(sku: str, errors: dict[str, str], given: Any) -> str:
    def load(session: Session, now: datetime) -> dict[str, Any]:
        item = known_item(session, sku)
        near = asked("other") or filled("other") or services.near_same_to(session, scope()[0], item.id)
        other = queries.items_by_sku(session, [near]).get(near) if near else None
        shown: dict[str, Any] = {"item": item, "near": near, "other": other, "changes": [], "obstacles": []}
        if other is not None and other.sku != item.sku:
            loser, survivor = (other, item) if given.get("survivor") == item.sku else (item, other)
            missing = sorted(set(loser.entities) - set(survivor.entities))
            shown |= {"loser": loser, "survivor": survivor, "rows": list(_compared(item, other)), "missing": missing}
            try:
                merge = ItemMerge(loser.sku, survivor.sku, bool(missing))
                shown["changes"] = services.preview_merge(session, [merge], now=now)
            except Refused as refused:
                shown["obstacles"] = [error.message for error in refused.errors]
        return shown | {"entity": queries.entity_of(session, scope()[0])}

    return render_template(
        "master_data/duplicate.html", columns=COLUMNS, lines=LINES, errors=errors, given=given, **in_scope(load)
    )


def _compared(item: Item, other: Item) -> list[dict[str, str | None]]:
    return [
        {"label": label, "this": said(item), "other": said(other)}
        for label, said in (
            ("SKU", lambda one: one.sku),
            ("Name", lambda one: one.name),
            ("Category", lambda one: one.category),
            ("Base unit", lambda one: one.base_unit),
            ("Packs", lambda one: ", ".join(f"{pack.unit}={pack.numerator}/{pack.denominator}" for pack in one.packs)),
            ("GTIN", lambda one: ", ".join(code.gtin for code in one.barcodes)),
            ("Stocked by", lambda one: ", ".join(one.entities)),
            ("State", lambda one: "active" if one.active else "inactive"),
        )
    ]
