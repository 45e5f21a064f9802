"""HTML: how good the item master is and what is wrong with it, and the rules it is held to."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, in_scope, requires, scope
from onhand.rest import page
from onhand.web import Column, asked, filled, filters
from sqlalchemy.orm import Session

from onhand_master_data import quality, queries, services
from onhand_master_data.refusals import Refused
from onhand_master_data.services import NewSetting
from onhand_master_data.views.asking import demand_whole_entities, may_edit
from onhand_master_data.views.pages import errors_by_field, master_data

__all__ = ["quality_pages"]

quality_pages = master_data
SCORES_SHOWN = 2
COLUMNS = [
    Column("sku", "SKU", "code", href=lambda row: url_for("master_data.item", sku=row.sku)),
    Column("name", "Name"),
    Column("message", "What is wrong"),
    Column("rule", "Rule"),
    Column("points", "Points", "quantity"),
    Column("found_at", "Since", "time"),
]
COUNTS = [
    Column("label", "Rule"),
    Column("count", "Findings", "quantity", href=lambda row: url_for("master_data.data_quality", rule=row["rule"])),
]
RULE_COLUMNS = [
    Column("label", "Items must have"),
    Column("parameter", "Which"),
    Column("category", "In category"),
    Column("where", "Where"),
    Column("blocks", "Breaking it"),
    Column("since", "From", "day"),
    Column("id", "Action"),
]


@master_data.get("/quality")
@requires("master_data.read")
def data_quality() -> str:
    """Show the entity's score, what makes it, and the findings behind each number."""

    def command(session: Session, _: datetime) -> dict[str, Any]:
        entity_id = scope()[0]
        scores = services.latest_scores(session, entity_id, SCORES_SHOWN)
        labels = services.rule_labels(session)
        found = page(
            session,
            quality.findings_listed(entity_id, asked("rule"), asked("q")),
            quality.FINDING_ORDER,
            request.args.get("cursor"),
        )
        counts = scores[0].findings if scores else {}
        return {
            "entity": queries.entity_of(session, entity_id),
            "scores": scores,
            "counts": [{"rule": rule, "label": labels.get(rule, rule), "count": n} for rule, n in counts.items()],
            "labels": labels,
            "rows": found["items"],
            "next": found["next"],
        }

    return render_template(
        "master_data/quality.html", columns=COLUMNS, count_columns=COUNTS, filters=filters(), good=quality.GOOD, fair=quality.FAIR,
        may_edit=may_edit(), **in_scope(command),
    )  # fmt: skip


@master_data.post("/quality")
@requires("master_data.edit")
def measure_quality() -> ResponseReturnValue:
    """Measure the entity now."""
    demand_whole_entities()
    score = in_scope(lambda session, now: services.measure(session, scope()[0], now=now))
    flash(f"Measured: {score.score} of 100.", "success")
    return redirect(url_for("master_data.data_quality"), 303)


@master_data.get("/rules")
@requires("master_data.read")
def validation_rules() -> str:
    """Show the rules that items are held to, and the form that adds one."""
    return _rules_page({}, {})


@master_data.post("/rules")
@requires("master_data.edit")
def add_rule() -> ResponseReturnValue:
    """Hold items to a rule from now on."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> None:
        wish = NewSetting(
            filled("rule"), filled("parameter"), filled("category") or None, scope()[0], bool(filled("blocks"))
        )
        services.add_rules(session, [wish], by=actor(), now=now)

    try:
        in_scope(command)
    except Refused as refused:
        return _rules_page(errors_by_field(refused), request.form), 422
    flash("The rule holds from now on.", "success")
    return redirect(url_for("master_data.validation_rules"), 303)


@master_data.post("/rules/<int:rule_id>/retire")
@requires("master_data.edit")
def retire_rule(rule_id: int) -> ResponseReturnValue:
    """Hold items to a rule no longer."""
    demand_whole_entities()
    try:
        in_scope(lambda session, now: services.retire_rules(session, [rule_id], by=actor(), now=now, within=scope()))
        flash("Retired.", "success")
    except Refused as refused:
        flash("; ".join(error.message for error in refused.errors), "error")
    return redirect(url_for("master_data.validation_rules"), 303)


def _rules_page(errors: dict[str, str], given: Any) -> str:
    def command(session: Session, now: datetime) -> dict[str, Any]:
        known = services.known_rules(session)
        entity = queries.entity_of(session, scope()[0])
        return {
            "entity": entity,
            "rows": [
                {
                    "id": one.id,
                    "label": known[one.rule].label if one.rule in known else one.rule,
                    "parameter": one.parameter,
                    "category": one.category or "all",
                    "where": entity.name if one.entity_id else "the whole group",
                    "own": one.entity_id is not None,
                    "blocks": "is refused" if one.blocks else "costs points",
                    "since": one.effective_from,
                }
                for one in services.settings(session, now=now)
            ],
            "rules": [
                (rule.name, rule.label + (f" ({rule.parameter})" if rule.parameter else "")) for rule in known.values()
            ],
            "categories": [(one.code, f"{one.name} ({one.code})") for one in queries.categories(session).values()],
        }

    return render_template(
        "master_data/rules.html",
        columns=RULE_COLUMNS,
        errors=errors,
        given=given,
        may_edit=may_edit(),
        **in_scope(command),
    )
