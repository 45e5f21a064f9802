"""HTML: one ledger entry, what was posted with it, what undid it, and the form that undoes it."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor_names, in_scope, requires
from onhand.addons.models import Entity
from onhand.problems import Conflict
from onhand.web import filled
from onhand_master_data.api import LocationName, describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock.explanation import kind_labels
from onhand_stock.naming import movement_name
from onhand_stock.queries import posted_together, reversals_of
from onhand_stock.services import why_not_reversible
from onhand_stock.views.asking import entry_of, may_at_ends, reach
from onhand_stock.views.movements import reverse_one
from onhand_stock.views.pages import state_label, stock

__all__ = ["entry", "reverse"]


@stock.get("/entries/<name>")
@requires("stock.read")
def entry(name: str) -> str:
    """Show one ledger entry."""
    return render_template("stock/entry.html", name=name, **in_scope(lambda session, _: _entry(session, name)))


@stock.post("/entries/<name>/reverse")
@requires("stock.adjust")
def reverse(name: str) -> ResponseReturnValue:
    """Undo an entry for the reason given, and show what undid it."""
    reason = filled("reason")
    if not reason:
        flash("Not reversed: say why.", "bad")
        return redirect(url_for("stock.entry", name=name), 303)

    def command(session: Session, now: datetime) -> str:
        made = reverse_one(session, name, reason, now)
        return movement_name(made[0].recorded_at, made[0].id)

    try:
        made = in_scope(command)
    except Conflict as conflict:
        flash(f"Not reversed: {conflict.detail or conflict.title}.", "bad")
        return redirect(url_for("stock.entry", name=name), 303)
    flash("Reversed. This is the entry that undid it.", "good")
    return redirect(url_for("stock.entry", name=made), 303)


def _entry(session: Session, name: str) -> dict[str, Any]:
    found = entry_of(session, name)
    together = posted_together(session, found, reach())
    places = {place for one in together for place in (one.from_location_id, one.to_location_id) if place is not None}
    locations = describe_locations(session, places)
    items = describe_items(session, {one.item_id for one in together})
    item = items[found.item_id]
    undone_by = reversals_of(session, found)
    otherwise = why_not_reversible(found.kind, found.from_state, found.to_state, found.to_location_id)
    may_reverse = may_at_ends("stock.adjust", found)
    return {
        "entry": found,
        "item": item,
        "currency": session.get_one(Entity, found.entity_id).currency,
        "kinds": kind_labels(session),
        "came_from": _end(found.from_location_id, found.from_state, found.from_after, item.sku, locations),
        "went_to": _end(found.to_location_id, found.to_state, found.to_after, item.sku, locations),
        "lag": found.recorded_at - found.occurred_at,
        "by": actor_names(session, [found.actor]).get(found.actor, found.actor),
        "undone_by": undone_by,
        "reverses": movement_name(found.reverses_at, found.reverses_id) if found.reverses_id else None,
        "otherwise": otherwise if may_reverse and not undone_by else None,
        "may_reverse": may_reverse and otherwise is None and not undone_by,
        "together": [
            {
                "name": movement_name(one.recorded_at, one.id),
                "kind": one.kind,
                "sku": items[one.item_id].sku,
                "quantity": one.quantity,
                "from": _end(one.from_location_id, one.from_state, one.from_after, "", locations)["label"],
                "to": _end(one.to_location_id, one.to_state, one.to_after, "", locations)["label"],
            }
            for one in together
            if one.id != found.id
        ],
    }


def _end(
    location_id: int | None, state: str, after: int | None, sku: str, locations: dict[int, LocationName]
) -> dict[str, Any]:
    """Return one end as a page shows it, with a link to the entries of that state there."""
    if location_id is None:
        return {"label": f"outside: {state_label(state).lower()}", "after": None, "href": None}
    location = locations.get(location_id)
    if location is None:
        return {"label": state_label(state), "after": after, "href": None}
    href = url_for("stock.item", sku=sku, location=location.code, state=state, _anchor="history") if sku else None
    return {"label": f"{state_label(state)} at {location.name}", "after": after, "href": href}
