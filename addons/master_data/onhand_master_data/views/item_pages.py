"""HTML: the list of items and one item."""

from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from onhand import problems
from onhand.access import actor_names, in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, asked, filters
from sqlalchemy.orm import Session

from onhand_master_data import queries
from onhand_master_data.listings import ITEM_ORDER, ItemFilter, items_listed
from onhand_master_data.requests import REQUEST_ORDER, pack_history, requests_listed
from onhand_master_data.views.asking import may_edit
from onhand_master_data.views.pages import asked_active, master_data

__all__ = ["item_pages"]

item_pages = master_data
COLUMNS = [
    Column("sku", "SKU", "code", href=lambda row: url_for("master_data.item", sku=row.sku)),
    Column("name", "Name"),
    Column("category", "Category"),
    Column("base_unit", "Base unit"),
    Column("active", "State"),
]
PACK_COLUMNS = [Column("unit", "Unit"), Column("holds", "Holds"), Column("gtins", "GTIN", "code")]

HISTORY_COLUMNS = [
    Column("unit", "Unit"),
    Column("effective_from", "From", "day"),
    Column("holds", "Holds"),
    Column("actor", "By"),
]


@master_data.get("/items")
@requires("master_data.read")
def items() -> str:
    """List the items that the entity stocks, or the whole group's."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        query = items_listed(
            ItemFilter(asked("q"), asked("category"), asked_active()),
            None if request.args.get("stocked") == "group" else scope(),
        )
        found = page(session, query, ITEM_ORDER, request.args.get("cursor"))
        categories = queries.categories(session)
        return {
            "rows": found["items"],
            "next": found["next"],
            "categories": [(category.code, f"{category.name} ({category.code})") for category in categories.values()],
            "names": {category.code: category.name for category in categories.values()},
        }

    return render_template(
        "master_data/items.html", columns=COLUMNS, filters=filters(), may_edit=may_edit(), **in_scope(command)
    )


@master_data.get("/items/<sku>")
@requires("master_data.read")
def item(sku: str) -> str:
    """Show one item: what it is, its packs and barcodes, who stocks it."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        found = queries.items_by_sku(session, [sku]).get(sku)
        if found is None:
            raise problems.NotFound("there is no such item")
        units = queries.units(session)
        history = pack_history(session, found.id)
        names = actor_names(session, {row["actor"] for row in history})
        return {
            "item": found,
            "base": units[found.base_unit],
            "category": queries.categories(session).get(found.category or ""),
            "entities": queries.entity_names(session, found.entities),
            "packs": [
                {
                    "unit": f"{units[pack.unit].name} ({pack.unit})",
                    "holds": str(pack.numerator) + (f"/{pack.denominator}" if pack.denominator > 1 else ""),
                    "gtins": ", ".join(code.gtin for code in found.barcodes if code.unit == pack.unit),
                }
                for pack in found.packs
            ],
            "history": [
                row
                | {"actor": names.get(row["actor"], row["actor"]), "unit": f"{units[row['unit']].name} ({row['unit']})"}
                for row in history
            ],
            "waiting": page(session, requests_listed(scope(), "pending", found.sku), REQUEST_ORDER, None)["items"],
            "gtins": [code.gtin for code in found.barcodes if code.unit is None],
        }

    return render_template(
        "master_data/item.html",
        columns=PACK_COLUMNS,
        history_columns=HISTORY_COLUMNS,
        may_edit=may_edit(),
        **in_scope(command),
    )
