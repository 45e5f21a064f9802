"""HTML: the stock inquiry, a row of states per item and location."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from flask import render_template, request, url_for
from onhand.access import in_scope, requires
from onhand.rest import page
from onhand.web import Column, asked, filters
from onhand_master_data.api import describe_items, describe_locations, match_items
from sqlalchemy.orm import Session

from onhand_stock.listings import BALANCE_ORDER, BalanceFilter, balances_listed
from onhand_stock.queries import BalanceRow, balance_of
from onhand_stock.states import STATES
from onhand_stock.views.asking import known_location, reach
from onhand_stock.views.pages import asked_state, locations_in_reach, state_label, states_shown, stock

__all__ = ["inquiry"]

MATCHES_MAX = 200


@stock.get("/")
@requires("stock.read")
def inquiry() -> str:
    """Show what is where: items by what was searched for, at each location the units in every state."""
    return render_template("stock/inquiry.html", filters=filters(), **in_scope(_inquiry))


def _inquiry(session: Session, _: datetime) -> dict[str, Any]:
    text, code = asked("q"), asked("location")
    matches = match_items(session, text, limit=MATCHES_MAX) if text else None
    wanted = BalanceFilter(
        item_ids=matches,
        location_id=known_location(session, code).id if code else None,
        state=asked_state(),
    )
    found = page(session, balances_listed(wanted, reach()), BALANCE_ORDER, request.args.get("cursor"))
    balances = [balance_of(row) for row in found["items"]]
    return {
        "rows": _rows(session, balances),
        "columns": _columns(states_shown(balances)),
        "next": found["next"],
        "cut": len(matches or ()) == MATCHES_MAX,
        "locations": [(one.code, f"{one.name} ({one.code})") for one in locations_in_reach(session)],
        "states": [(state, state_label(state)) for state in STATES],
    }


def _rows(session: Session, balances: Sequence[BalanceRow]) -> list[dict[str, Any]]:
    items = describe_items(session, {row.item_id for row in balances})
    locations = describe_locations(session, {row.location_id for row in balances})
    return [
        {
            **row.states,
            "sku": items[row.item_id].sku,
            "name": items[row.item_id].name,
            "location": locations[row.location_id].code,
            "on_hand": row.on_hand,
        }
        for row in balances
    ]


def _columns(states: Sequence[str]) -> list[Column]:
    def entries(row: dict[str, Any], state: str | None = None) -> str | None:
        if state and not row[state]:
            return None
        return url_for("stock.item", sku=row["sku"], location=row["location"], state=state, _anchor="history")

    return [
        Column("sku", "SKU", "code", href=lambda row: url_for("stock.item", sku=row["sku"])),
        Column("name", "Item"),
        Column("location", "Location", "code"),
        Column("on_hand", "On hand", "quantity", href=entries),
        *(Column(state, state_label(state), "quantity", href=partial(entries, state=state)) for state in states),
    ]
