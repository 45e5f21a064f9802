"""HTML: the form that asks for an adjustment of an item at a location, with what it would do shown as one types."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from msgspec import Struct
from onhand.access import actor, in_scope, requires
from onhand.addons.models import Entity
from onhand.ids import uuid7
from onhand.web import minor_units, trimmed, whole_number
from onhand_master_data.api import ItemName, LocationName
from sqlalchemy.orm import Session

from onhand_stock.explanation import kind_labels
from onhand_stock.kinds import ADJUSTABLE
from onhand_stock.queries import balances
from onhand_stock.services import Adjust, Adjusted, NotAdjusted, adjust, foresee
from onhand_stock.states import PROMISED, STATES
from onhand_stock.views.adjusting import choices, may_post, suggested
from onhand_stock.views.asking import known_item, known_location, reach
from onhand_stock.views.pages import locations_in_reach, state_label, stock

__all__ = ["adjust_form", "adjust_item"]

WHAT = [
    ("missing", "Missing or broken: take off"),
    ("found", "Found: add"),
    ("set", "It is now"),
    ("markdown", "Worth less: mark down each by"),
]
SAID = {
    "posted": "Posted. The book has the new number.",
    "recount": "Not posted yet: count it again first, below.",
    "waiting": "Sent to those who have to agree. Nothing has changed so far.",
}
UNITS_MAX = 2_000_000_000
TEXT_CHARACTERS_MAX = 500


class Filled(Struct, frozen=True):
    """What a form says, as far as it can be read; `error` names what cannot."""

    key: UUID
    what: str
    state: str
    amount: str
    note: str
    reason: str
    auto: str
    expected: int | None
    error: str | None = None


@stock.get("/items/<sku>/adjust")
@requires("stock.work")
def adjust_form(sku: str) -> str:
    """Show the form. As it is filled in it is asked for again, to show what would become of it."""
    filled = _filled(request.args)
    shown = in_scope(lambda session, now: _shown(session, sku, filled, now))
    return render_template("stock/adjust.html", what=WHAT, **shown)


@stock.post("/items/<sku>/adjust")
@requires("stock.work")
def adjust_item(sku: str) -> ResponseReturnValue:
    """Ask for the adjustment, and show it; where it is refused the form comes back with the numbers of now."""
    filled = _filled(request.form)

    def command(session: Session, now: datetime) -> Adjusted | dict[str, Any]:
        item, code = known_item(session, sku), request.form.get("location", "")
        if not code:
            return _shown(session, sku, filled, now) | {"error": "Say where first."}
        place = known_location(session, code, "stock.work")
        asked = _asked(filled, item, place, _currency(session, place))
        if isinstance(asked, str):
            return _shown(session, sku, filled, now) | {"error": asked}
        [answer] = adjust(session, [asked], by=actor(), now=now, source="stock")
        if isinstance(answer, NotAdjusted):
            return _shown(session, sku, filled, now) | {"error": answer.detail}
        return answer

    done = in_scope(command)
    if isinstance(done, dict):
        return render_template("stock/adjust.html", what=WHAT, **done), 422
    flash(SAID.get(done.status, done.outcome or ""), "good" if done.status == "posted" else "info")
    return redirect(url_for("stock.adjustment", adjustment_id=done.id), 303)


def _filled(given: Any) -> Filled:
    def text(name: str) -> str:
        return trimmed(given.get(name, ""), TEXT_CHARACTERS_MAX)

    try:
        key = UUID(text("key"))
    except ValueError:
        key = uuid7()
    what = text("what")
    return Filled(
        key=key,
        what=what if what in dict(WHAT) else "missing",
        state=text("state") if text("state") in ADJUSTABLE else "available",
        amount=text("amount"),
        note=text("note"),
        reason=text("reason"),
        auto=text("auto"),
        expected=whole_number(text("expected"), 18),
    )


def _shown(session: Session, sku: str, filled: Filled, now: datetime) -> dict[str, Any]:
    """Return what the form shows."""
    item = known_item(session, sku)
    code = request.values.get("location", "")
    place = known_location(session, code, "stock.work") if code else None
    within = reach("stock.work")
    places = [
        (one.code, f"{one.name} ({one.code})")
        for one in locations_in_reach(session)
        if (held := within.get(one.entity_id, ())) is None or one.id in held
    ]
    shown: dict[str, Any] = {"item": item, "place": place, "places": places, "error": None, "filled": filled}
    if place is not None:
        shown |= _numbers(session, item, place, filled, now)
    return shown


def _numbers(session: Session, item: ItemName, place: LocationName, filled: Filled, now: datetime) -> dict[str, Any]:
    """Return the states now, the reasons to choose from, and what would become of what is filled in so far."""
    found = balances(session, [place.entity_id], item_ids=[item.id], location_ids=[place.id])
    units = found[0].states if found else dict.fromkeys(STATES, 0)
    there, currency = units[filled.state], _currency(session, place)
    if filled.expected is not None and request.method == "GET" and filled.expected != there:
        there_then: int | None = filled.expected
    else:
        there_then = None
    delta = _delta(filled, there)
    allowed = choices(session, delta if isinstance(delta, int) else -1)
    ranked = suggested(filled.note, allowed)
    by_hand = filled.reason if filled.reason and filled.reason != filled.auto else ""
    auto = ranked[0].code if ranked else ""
    labels = dict(allowed)
    chosen = by_hand if by_hand in labels else auto
    shown: dict[str, Any] = {
        "units": units,
        "there": there,
        "there_then": there_then,
        "states": [(state, f"{state_label(state)}: {units[state]}") for state in ADJUSTABLE],
        "held": [(state_label(state), count) for state, count in units.items() if count and state not in ADJUSTABLE],
        "suggestions": [(labels[one.code], one.words) for one in ranked],
        "reasons": [(one.code, labels[one.code]) for one in ranked],
        "others": [pair for pair in allowed if pair[0] not in {one.code for one in ranked}],
        "chosen": chosen,
        "auto": auto,
        "currency": currency,
        "problem": delta if isinstance(delta, str) and filled.amount else None,
        "preview": None,
        "kinds": kind_labels(session),
    }
    asked = _asked(filled, item, place, currency, there=there, reason=chosen or "other")
    if isinstance(asked, Adjust):
        [outlook] = foresee(session, [asked], by=actor(), now=now)
        if isinstance(outlook, NotAdjusted):
            shown["problem"] = outlook.detail
        else:
            promised = sum(units[state] for state in PROMISED)
            short = max(-(there + asked.delta), 0) if filled.state == "available" else 0
            shown["preview"] = {
                "outlook": outlook,
                "before": there,
                "after": max(there + asked.delta, 0),
                "short": short,
                "promised": promised,
                "available": units["available"],
                "available_after": max(units["available"] + (asked.delta if filled.state == "available" else 0), 0),
            }
    return shown


def _currency(session: Session, place: LocationName) -> str:
    return session.get_one(Entity, place.entity_id).currency


def _delta(filled: Filled, there: int) -> int | str:
    """Return the change of units a form asks for (0 for a markdown), or what is wrong with the number."""
    if filled.what == "markdown":
        return 0
    number = filled.amount.replace(" ", "").replace("\u202f", "")
    if not number.isdecimal() or int(number) > UNITS_MAX:
        return "Give a whole number of units."
    units = int(number)
    return {"missing": -units, "found": units}.get(filled.what, units - there)


def _asked(
    filled: Filled, item: ItemName, place: LocationName, currency: str, *, there: int | None = None, reason: str = ""
) -> Adjust | str:
    """Return the request that a form makes, or what is wrong with it."""
    seen = filled.expected if there is None else there
    if seen is None:
        return "The form is not whole: open it again."
    delta = _delta(filled, seen)
    if isinstance(delta, str):
        return delta
    value = None
    if filled.what == "markdown":
        value = _markdown(filled.amount, seen, currency)
        if value is None:
            return "Give the amount that each unit is marked down by, like 2.50."
    if not (reason or filled.reason):
        return "Choose a reason."
    return Adjust(
        id=filled.key, entity_id=place.entity_id, item_id=item.id, location_id=place.id, state=filled.state,
        expected=seen, delta=delta, reason=reason or filled.reason, note=filled.note, value_minor=value,
        is_trusted=may_post(place.entity_id, place.id),
    )  # fmt: skip


def _markdown(amount: str, units: int, currency: str) -> int | None:
    """Return by how much value changes when each unit loses an amount, in minor units; None for what is no amount."""
    each = minor_units(amount, currency)
    return -each * units or None if each and each <= UNITS_MAX else None
