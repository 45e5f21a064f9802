"""HTML: who must agree to what, and changing that."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_currency_precision
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access import actor, current_entity, in_scope, principal, requires
from onhand.access.models import Role
from onhand.addons.models import Entity
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.outcomes import Asked, Refused
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.services.rules import NewRule, RuleChange, RuleRefused, change_rules, rules
from onhand.approvals.views.pages import approvals
from onhand.ids import uuid7
from onhand.web import Column

__all__: list[str] = []

AMOUNT_MAX = Decimal(10) ** 18

COLUMNS = [
    Column("kind", "Change"), Column("place", "Where"), Column("from", "From"), Column("tier", "Tier"),
    Column("role", "Who agrees"), Column("recorded_at", "Since", "day"), Column("act", "Retire"),
]  # fmt: skip


@approvals.get("/rules")
@requires("approvals.read")
def rules_page() -> str:
    """Show the rules in force, with what holds where there is none."""
    return _page()


@approvals.post("/rules")
@requires("approvals.edit")
def add_rule() -> ResponseReturnValue:
    """Add a rule for the entity at hand, or for the whole group."""
    form = request.form
    note = form.get("note", "").replace("\x00", "").strip()[:2_000] or None

    def command(session: Session, now: datetime) -> Asked | Refused:
        entity_id = _place(form.get("place", ""))
        currency = session.scalar(select(Entity.currency).where(Entity.id == current_entity()))
        amount = _amount("amount_from_minor", currency)
        rule = NewRule(
            kind=form.get("kind", ""), role=form.get("role", ""), tier=_number("tier") or 1, amount_from_minor=amount,
            currency=currency if amount is not None else None, quantity_from=_number("quantity_from"),
        )  # fmt: skip
        change = RuleChange(str(uuid7()), entity_id, (rule,), note=note)
        return change_rules(session, [change], by=actor(), now=now)[0]

    return _answer(command)


@approvals.post("/rules/<int:rule_id>/retire")
@requires("approvals.edit")
def retire_rule(rule_id: int) -> ResponseReturnValue:
    """Retire a rule: from then on it is not asked."""

    def command(session: Session, now: datetime) -> Asked | Refused:
        entity_id = _place(request.form.get("place", ""))
        return change_rules(session, [RuleChange(str(uuid7()), entity_id, retire=(rule_id,))], by=actor(), now=now)[0]

    return _answer(command)


def _answer(command: Any) -> ResponseReturnValue:
    try:
        outcome = in_scope(command)
    except RuleRefused as refused:
        return _page(errors={refused.field: f"{str(refused)[0].upper()}{str(refused)[1:]}."}), 422
    if isinstance(outcome, Refused):
        flash(f"Not done: {outcome.detail}.", "bad")
    elif outcome.status == "pending":
        flash("Asked for: the change waits for consent itself.", "info")
    else:
        flash("Done. What waits already keeps the consents it was asked for.", "good")
    return redirect(url_for("approvals.rules_page"), 303)


def _page(errors: dict[str, str] | None = None) -> str:
    return render_template(
        "approvals/rules.html", columns=COLUMNS, errors=errors or {}, given=request.form, **in_scope(_load)
    )


def _load(session: Session, _: datetime) -> dict[str, Any]:
    kinds, known = kinds_of(session), principal()
    entity_id = current_entity()
    entity = session.execute(select(Entity.code, Entity.currency).where(Entity.id == entity_id)).one_or_none()
    found = rules(session)
    lines = [
        {
            "id": rule.id, "kind": kinds[rule.kind].label if rule.kind in kinds else rule.kind, "rule": _thresholds(rule),
            "place": rule.location or (f"location {rule.location_id}" if rule.location_id else entity.code if
                                       rule.entity_id and entity else "the whole group"),
            "from": "", "tier": rule.tier, "role": rule.role, "recorded_at": rule.recorded_at, "act": "",
            "of": "entity" if rule.entity_id else "group",
            "may_retire": _may_edit("entity" if rule.entity_id else "group"),
        }
        for rule in found
    ]  # fmt: skip
    ruled = {rule.kind for rule in found}
    return {
        "rows": lines,
        "presets": [kind for name, kind in sorted(kinds.items()) if kind.tiers and name not in ruled],
        "kinds": sorted(((name, kind.label) for name, kind in kinds.items()), key=lambda pair: pair[1]),
        "roles": [(code, name) for code, name in session.execute(select(Role.code, Role.name).order_by(Role.name))],
        "places": [
            *([("entity", entity.code)] if entity and _may_edit("entity") else []),
            *([("group", "the whole group")] if known.may_in_group("approvals.edit") else []),
        ],
        "currency": entity.currency if entity else "",
    }


def _thresholds(rule: ApprovalRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("quantity_from", "amount_from_minor", "currency")}


def _may_edit(place: str) -> bool:
    known = principal()
    if place == "group":
        return known.may_in_group("approvals.edit")
    entity_id = current_entity()
    return entity_id is not None and known.locations("approvals.edit", entity_id) is None


def _place(asked: str) -> int | None:
    if asked not in {"entity", "group"} or not _may_edit(asked):
        raise RuleRefused("place", "choose a place whose rules you may change")
    return current_entity() if asked == "entity" else None


def _amount(field: str, currency: str | None) -> int | None:
    """Return an amount that people wrote (499.50) in minor units of a currency."""
    text = request.form.get(field, "").replace(" ", "").strip()
    if not text:
        return None
    try:
        minor = Decimal(text).scaleb(get_currency_precision(currency or "EUR"))
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor != minor.to_integral_value() or not 0 <= minor < AMOUNT_MAX:
        raise RuleRefused(field, f"an amount like 500 or 499.50, in {currency}, not below zero")
    return int(minor)


def _number(field: str) -> int | None:
    text = request.form.get(field, "").replace(" ", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise RuleRefused(field, "a whole number of at most 18 digits, or nothing")
    return int(text)
