"""HTML: one item, its states per location, now or as they were, and the entries that made them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import render_template, request, url_for
from onhand.access import actor_names, in_scope, principal, requires, scope
from onhand.addons.models import Entity
from onhand.rest import page
from onhand.web import Column, asked, filters
from onhand_master_data.api import ItemName, LocationName, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.explanation import kind_labels, last_count, shortages_of
from onhand_stock.listings import (
    BalanceFilter,
    EntryFilter,
    entries_listed,
    entry_order,
)
from onhand_stock.queries import BalanceRow, listed_balances
from onhand_stock.sides import Side, sides_of
from onhand_stock.states import STATES
from onhand_stock.summing import summed
from onhand_stock.views.asking import known_item, known_location, reach
from onhand_stock.views.balances import as_they_were
from onhand_stock.views.pages import asked_moment, asked_state, locations_in_reach, state_label, states_shown, stock

__all__ = ["item"]

STORY = timedelta(days=30)


@stock.get("/items/<sku>")
@requires("stock.read")
def item(sku: str) -> str:
    """Show an item's units per location and state, and the ledger behind them: all of it, or what was asked for."""
    return render_template(
        "stock/item.html", filters=filters(), **in_scope(lambda session, now: _item(session, sku, now))
    )


def _item(session: Session, sku: str, now: datetime) -> dict[str, Any]:
    found, code = known_item(session, sku), asked("location")
    location = known_location(session, code) if code else None
    at, known_at = asked_moment(session, "at"), asked_moment(session, "known_at")
    is_past = at is not None or known_at is not None
    wanted = EntryFilter(found.id, location.id if location else None, asked_state(), at, known_at)
    balances = _balances(session, wanted, now)
    names = describe_locations(session, {row.location_id for row in balances})
    entries = page(session, entries_listed(wanted, reach()), entry_order(wanted), request.args.get("cursor"))
    sides = _sides(session, entries["items"], wanted)
    return {
        "item": found,
        "location": location,
        "state": wanted.state,
        "is_past": is_past,
        "balances": _places(balances, names),
        "balance_columns": _balance_columns(found, states_shown(balances)),
        "rows": sides,
        "columns": _side_columns(wanted),
        "next": entries["next"],
        "shortages": [] if is_past else _shortages(session, found, balances, names),
        "kinds": kind_labels(session),
        "may_ask": principal().may("stock.work", scope()[0], location.id if location else None),
        "currency": session.get_one(Entity, scope()[0]).currency,
        "counted": last_count(session, found.id, location.id) if location and not is_past else None,
        "story": _story(session, wanted, balances, now) if location and not is_past else None,
        "days": STORY.days,
        "locations": [(one.code, f"{one.name} ({one.code})") for one in locations_in_reach(session)],
        "states": [(state, state_label(state)) for state in STATES],
    }


def _story(session: Session, wanted: EntryFilter, balances: Sequence[BalanceRow], now: datetime) -> dict[str, Any]:
    """Return how the number asked for came to be: what there was, what each kind made of it, what there is."""
    found = summed(session, wanted.item_id or 0, wanted.location_id or 0, wanted.state, since=now - STORY)
    there = sum(row.states[wanted.state] if wanted.state else row.on_hand for row in balances)
    return {"before": there - sum(one.delta for one in found), "now": there, "since": now - STORY, "kinds": found}


def _balances(session: Session, wanted: EntryFilter, now: datetime) -> list[BalanceRow]:
    narrowed = BalanceFilter(item_ids=[wanted.item_id or 0], location_id=wanted.location_id)
    rows = listed_balances(session, narrowed, reach())
    if wanted.at or wanted.known_at:
        return as_they_were(session, rows, wanted.at or now, wanted.known_at or now)
    return rows


def _places(balances: Sequence[BalanceRow], names: dict[int, LocationName]) -> list[dict[str, Any]]:
    """Return a row per location, and before several the row that sums them."""
    rows: list[dict[str, Any]] = [
        {
            "location": names[row.location_id].code,
            "place": names[row.location_id].name,
            "on_hand": row.on_hand,
            **row.states,
        }
        for row in balances
    ]
    if len(rows) > 1:
        sums = {key: sum(row[key] for row in rows) for key in ("on_hand", *STATES)}
        rows.insert(0, {"location": None, "place": "All locations", **sums})
    return rows


def _sides(session: Session, entries: Sequence[Any], wanted: EntryFilter) -> list[dict[str, Any]]:
    """Return the lines of entries, with names: those of the location and state asked for, within reach."""
    sides = sides_of(entries, location_id=wanted.location_id, state=wanted.state)
    seen = [one for one in sides if principal().may("stock.read", one.entity_id, one.location_id)]
    places = {place for one in seen for place in (one.location_id, one.other_location_id) if place is not None}
    codes = {name.id: name.code for name in describe_locations(session, places).values()}
    actors = actor_names(session, {one.actor for one in seen})
    return [
        {
            **{name: getattr(one, name) for name in Side.__struct_fields__},
            "location": codes[one.location_id],
            "other": other_end(one, codes),
            "by": actors.get(one.actor, one.actor),
            "lag": one.recorded_at - one.occurred_at,
        }
        for one in seen
    ]


def other_end(side: Side, codes: dict[int, str]) -> str:
    """Say where the units came from or went to."""
    word = "to" if (side.delta < 0) != (side.state == "shortage") else "from"
    there = side.other_location_id not in {None, side.location_id}
    return f"{word} {state_label(side.other_state).lower()}" + (
        f" at {codes.get(side.other_location_id or 0, '?')}" if there else ""
    )


def _shortages(
    session: Session, found: ItemName, balances: Sequence[BalanceRow], names: dict[int, LocationName]
) -> list[dict[str, Any]]:
    stories = shortages_of(session, found.id, [row.location_id for row in balances])
    return [
        {
            "story": one,
            "location": names[one.location_id].code,
            "href": url_for("stock.entry", name=one.entry),
            "cleared_by": [(url_for("stock.entry", name=by.entry), by) for by in one.cleared_by],
        }
        for one in stories
        if one.standing or one.is_doubtful
    ]


def _balance_columns(found: ItemName, states: Sequence[str]) -> list[Column]:
    kept = filters("location", "state")

    def entries(row: dict[str, Any], state: str | None = None) -> str | None:
        if state and not row[state]:
            return None
        narrowed = kept | {name: value for name, value in (("location", row["location"]), ("state", state)) if value}
        return url_for("stock.item", sku=found.sku, _anchor="history", **narrowed)

    return [
        Column("place", "Location", href=entries),
        Column("on_hand", "On hand", "quantity", href=entries),
        *(Column(state, state_label(state), "quantity", href=partial(entries, state=state)) for state in states),
    ]


def _side_columns(wanted: EntryFilter) -> list[Column]:
    def entry(row: dict[str, Any]) -> str:
        return url_for("stock.entry", name=row["name"])

    return [
        Column("kind", "What", href=entry),
        *([Column("location", "Location", "code")] if wanted.location_id is None else []),
        *([Column("state", "State")] if wanted.state is None else []),
        Column("delta", "Change", "delta", href=entry),
        Column("after", "Balance", "quantity", href=entry),
        Column("other", "From or to"),
        Column("document", "Document"),
        Column("by", "By"),
        Column("occurred_at", "Occurred", "time"),
    ]
