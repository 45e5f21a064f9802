"""HTML: who must agree to what, and changing that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand.access import actor, current_entity, in_scope, principal, requires
from onhand.access.models import Role
from onhand.addons.models import Entity
from onhand.approvals.backtesting import DAYS_MAX, SECONDS_MAX, backtest_rules
from onhand.approvals.models import ApprovalRule
from onhand.approvals.services.outcomes import Asked, Refused
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.services.rules import NewRule, RuleChange, RuleRefused, change_rules, checked_rules, rules, said
from onhand.approvals.services.weighing import kind_and_field
from onhand.approvals.views.asking import locations_to_choose
from onhand.approvals.views.pages import approvals
from onhand.contributions import ApprovalKind, BacktestResult
from onhand.ids import uuid7
from onhand.transaction import context
from onhand.web import Column, asked, minor_units, sentence, trimmed, whole_number

__all__: list[str] = []

DAYS = 30
FIELDS = ("kind", "place", "location", "quantity_from", "amount_from_minor", "tier", "role", "note", "retire")

COLUMNS = [
    Column("kind", "Change"), Column("place", "Where"), Column("from", "From"), Column("tier", "Tier"),
    Column("role", "Who agrees"), Column("recorded_at", "Since", "day"), Column("act", "Retire"),
]  # fmt: skip


@dataclass
class Draft:
    """A change as the form was filled in: what it retires and adds, as people read it, or what is wrong with which field."""

    form: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    change: RuleChange | None = None
    retired: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    @property
    def is_filled(self) -> bool:
        """Whether a rule was named, old or new."""
        return bool(self.form["retire"] or (self.form["kind"] and self.form["role"]))


@approvals.get("/rules")
@requires("approvals.read")
def rules_page() -> str:
    """Show the rules in force, with what holds where there is none; and what a change would have meant. Changes nothing."""
    draft = in_scope(_draft)
    tried, cut = _tried(draft.change) if draft.change is not None else (None, None)
    return _page(draft, tried=tried, cut=cut)


@approvals.post("/rules")
@requires("approvals.edit")
def add_rule() -> ResponseReturnValue:
    """Add a rule for the entity at hand, one of its locations, or the whole group."""
    return _answer()


@approvals.post("/rules/<int:rule_id>/retire")
@requires("approvals.edit")
def retire_rule(rule_id: int) -> ResponseReturnValue:
    """Retire a rule: from then on it is not asked."""
    return _answer(rule_id)


def _answer(retire: int | None = None) -> ResponseReturnValue:
    def command(session: Session, now: datetime) -> Asked | Refused | Draft:
        draft = _draft(session, now, retire)
        if draft.change is None:
            return draft
        return change_rules(session, [draft.change], by=actor(), now=now)[0]

    outcome = in_scope(command)
    if isinstance(outcome, Draft):
        return _page(outcome), 422
    if isinstance(outcome, Refused):
        flash(f"Not done: {outcome.detail}.", "bad")
    elif outcome.status == "pending":
        flash("Asked for: the change waits for consent itself.", "info")
    else:
        flash("Done. What waits already keeps the consents it was asked for.", "good")
    return redirect(url_for("approvals.rules_page"), 303)


def _draft(session: Session, _: datetime, retire: int | None = None) -> Draft:
    """Read the form, whether it was sent to look or to change."""
    draft = Draft({name: trimmed(request.values.get(name, ""), 2_000) for name in FIELDS})
    if retire is not None:
        draft.form["retire"] = str(retire)
    if not draft.is_filled and request.method == "GET":
        return draft
    try:
        draft.change, retired = checked_rules(session, _asked(session, draft.form))
    except RuleRefused as refused:
        draft.errors[refused.field] = sentence(refused)
        return draft
    labels = {name: kind.label for name, kind in kinds_of(session).items()}
    draft.retired = [said(rule, labels.get(rule.kind)) for rule in retired]
    draft.added = [said(rule, labels.get(rule.kind)) for rule in draft.change.add]
    return draft


def _asked(session: Session, form: dict[str, str]) -> RuleChange:
    entity_id = _place(form["place"])
    note = form["note"] or None
    if form["retire"]:
        return RuleChange(str(uuid7()), entity_id, retire=(_number(form, "retire") or 0,), note=note)
    currency = session.scalar(select(Entity.currency).where(Entity.id == current_entity())) or ""
    amount = _amount(form, "amount_from_minor", currency)
    kind, part = kind_and_field(kinds_of(session), form["kind"])
    rule = NewRule(
        kind=kind, field=part, role=form["role"], tier=_number(form, "tier") or 1, location=form["location"] or None,
        amount_from_minor=amount, currency=currency if amount is not None else None,
        quantity_from=_number(form, "quantity_from"),
    )  # fmt: skip
    return RuleChange(str(uuid7()), entity_id, (rule,), note=note)


def _tried(change: RuleChange) -> tuple[BacktestResult | None, str | None]:
    """Return what the change would have meant for recorded requests, or why there is no answer."""
    days = _days()
    try:
        return in_scope(lambda session, now: backtest_rules(session, change, now=now, days=days)), None
    except psycopg.errors.QueryCanceled:
        return None, f"Looking back {days} days takes longer than {SECONDS_MAX} s. Ask for fewer days."


def _days() -> int:
    days = whole_number(asked("days") or "", 3)
    return DAYS if days is None else min(max(days, 1), DAYS_MAX)


def _page(draft: Draft, *, tried: BacktestResult | None = None, cut: str | None = None) -> str:
    return render_template(
        "approvals/rules.html", columns=COLUMNS, draft=draft, errors=draft.errors, given=draft.form, tried=tried, cut=cut,
        days=_days(), **in_scope(_load),
    )  # fmt: skip


def _load(session: Session, _: datetime) -> dict[str, Any]:
    kinds, known = kinds_of(session), principal()
    entity_id = current_entity()
    entity = session.execute(select(Entity.code, Entity.currency).where(Entity.id == entity_id)).one_or_none()
    found = rules(session)
    lines = [
        {
            "id": rule.id, "kind": _labelled(kinds, rule), "rule": _thresholds(rule),
            "place": rule.location or (f"location {rule.location_id}" if rule.location_id else entity.code if
                                       rule.entity_id and entity else "the whole group"),
            "from": "", "tier": rule.tier, "role": rule.role, "recorded_at": rule.recorded_at, "act": "",
            "of": "entity" if rule.entity_id else "group",
            "may_retire": _may_edit("entity" if rule.entity_id else "group"),
        }
        for rule in found
    ]  # fmt: skip
    ruled = {rule.kind for rule in found if rule.field is None}
    return {
        "rows": lines,
        "presets": [kind for name, kind in sorted(kinds.items()) if name not in ruled],
        "kinds": sorted(_choices(kinds), key=lambda pair: pair[1]),
        "roles": [(code, name) for code, name in session.execute(select(Role.code, Role.name).order_by(Role.name))],
        "places": [
            *([("entity", entity.code)] if entity and _may_edit("entity") else []),
            *([("group", "the whole group")] if known.may_in_group("approvals.edit") else []),
        ],
        "currency": entity.currency if entity else "",
        "locations": locations_to_choose(session, entity_id),
        "knows_locations": "location" in context(session).addons.policy_scopes,
    }


def _labelled(kinds: Mapping[str, ApprovalKind], rule: ApprovalRule) -> str:
    """Return what a rule is about: a kind of change, or a field of one."""
    whole = f"{rule.kind}.{rule.field}" if rule.field is not None else rule.kind
    return dict(_choices(kinds)).get(whole, whole)


def _choices(kinds: Mapping[str, ApprovalKind]) -> Iterator[tuple[str, str]]:
    for name, kind in kinds.items():
        yield name, kind.label
        yield from ((f"{name}.{part}", f"{kind.label}: {label}") for part, label in kind.fields)


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


def _amount(form: dict[str, str], name: str, currency: str) -> int | None:
    """Return an amount that people wrote (499.50) in minor units of a currency."""
    minor = minor_units(form[name], currency) if form[name] else None
    if form[name] and minor is None:
        raise RuleRefused(name, f"an amount like 500 or 499.50, in {currency}, not below zero")
    return minor


def _number(form: dict[str, str], name: str) -> int | None:
    text = form[name].replace(" ", "")
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise RuleRefused(name, "a whole number of at most 18 digits, or nothing")
    return int(text)
