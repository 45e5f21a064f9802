"""HTML under `/shopify/<channel>/deliveries`: webhooks as they came, and what became of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, sensitive
from onhand.rest import page
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_shopify import jobs, queries, services
from onhand_shopify.models import OUTCOMES
from onhand_shopify.services.parked import TITLES
from onhand_shopify.views.asking import demand_whole, known_shop, may_edit
from onhand_shopify.views.pages import shopify

__all__ = ["delivery_pages"]

delivery_pages = shopify
LABELS = {
    "waiting": "Waiting",
    "taken": "Told",
    "nothing": "Moves nothing",
    "unhandled": "Not understood",
    "parked": "Parked",
}
SHOWN = ("id", "webhook_id", "topic", "received_at", "outcome", "reason", "code", "detail", "settled_at")
TONES = {"waiting": "info", "taken": "good", "parked": "bad"}


@shopify.get("/<code>/deliveries")
@requires("shopify.read")
def deliveries(code: str) -> str:
    """Show a shop's webhooks, newest first."""
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        channel, _shop = known_shop(session, code)
        query = queries.deliveries(channel.id, outcome)
        found = page(session, query, queries.NEWEST, request.args.get("cursor"))
        return {
            "channel": channel,
            "rows": found["items"],
            "next": found["next"],
            "may_edit": may_edit(channel.entity_id),
        }

    columns = [
        Column("topic", "Webhook", href=lambda row: url_for("shopify.delivery", code=code, delivery_id=row.id)),
        Column("received_at", "Received", "time"),
        Column("outcome", "What became of it"),
    ]
    choices = [("All", url_for(".deliveries", code=code), None)]
    choices += [(LABELS[one], url_for(".deliveries", code=code, outcome=one), None) for one in OUTCOMES]
    return render_template(
        "shopify/deliveries.html", columns=columns, tabs=choices, tab=LABELS.get(outcome, "All"), labels=LABELS,
        tones=TONES, titles=TITLES, outcome=outcome, **in_scope(load),
    )  # fmt: skip


@shopify.get("/<code>/deliveries/<uuid:delivery_id>")
@requires("shopify.read")
@sensitive
def delivery(code: str, delivery_id: UUID) -> str:
    """Show a webhook as it came. It may name a customer, so who looked is kept in the audit trail."""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        channel, _shop = known_shop(session, code)
        found = queries.delivery(session, channel.id, delivery_id)
        if found is None:
            abort(404)
        told = {name: getattr(found, name) for name in SHOWN}
        body = bytes(found.body).decode("utf-8", "replace").replace("\x00", "\ufffd")
        return {"channel": channel, "row": told, "body": body, "may_edit": may_edit(channel.entity_id)}

    return render_template("shopify/delivery.html", labels=LABELS, tones=TONES, titles=TITLES, **in_scope(load))


@shopify.post("/<code>/replay")
@requires("shopify.edit")
def replay(code: str) -> ResponseReturnValue:
    """Have a parked webhook, or all of them, looked at again. Twice is harmless."""
    demand_whole()
    ids = _named()

    def command(session: Session, _: datetime) -> int:
        channel, _shop = known_shop(session, code, "shopify.edit")
        done = services.replay(session, channel, ids, by=actor())
        if done:
            jobs.have_taken(session, channel.entity_id, code)
        return done

    done = in_scope(command)
    flash(f"{done} webhooks are looked at again." if done else "Nothing was parked.", "good")
    return _back(code, ids)


@shopify.post("/<code>/set-aside")
@requires("shopify.edit")
def set_aside(code: str) -> ResponseReturnValue:
    """Be done with a parked webhook that will never be told."""
    demand_whole()
    ids, reason = _named(), filled("reason", 300)
    if not ids or not reason:
        flash("Say why it will never be told.", "bad")
        return _back(code, ids)

    def command(session: Session, _: datetime) -> int:
        channel, _shop = known_shop(session, code, "shopify.edit")
        return services.set_aside(session, channel, ids, reason, by=actor())

    flash("Set aside." if in_scope(command) else "It was not parked any more.", "good")
    return _back(code, ids)


def _named() -> list[UUID] | None:
    try:
        return [UUID(one) for one in request.form.getlist("id")] or None
    except ValueError:
        abort(400)


def _back(code: str, ids: list[UUID] | None) -> ResponseReturnValue:
    if ids and len(ids) == 1:
        return redirect(url_for("shopify.delivery", code=code, delivery_id=ids[0]), 303)
    return redirect(url_for("shopify.deliveries", code=code, outcome="parked"), 303)
