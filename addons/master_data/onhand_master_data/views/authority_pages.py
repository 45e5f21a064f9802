"""HTML: which system is authoritative for which data of the entity, and who else tried."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from onhand.access import actor, actor_names, in_scope, requires, scope
from onhand.web import Column, filled
from sqlalchemy.orm import Session

from onhand_master_data import queries, services
from onhand_master_data.authority import DOMAINS, book_of
from onhand_master_data.refusals import Refused
from onhand_master_data.services import Ending, Naming
from onhand_master_data.views.asking import demand_whole_entities, may_edit
from onhand_master_data.views.pages import errors_by_field, filled_moment, master_data

__all__ = ["authority_pages"]

authority_pages = master_data
REASON_CHARACTERS_MAX = 200
NOW_COLUMNS = [
    Column("domain", "Data"),
    Column("system", "Authoritative"),
    Column("since", "Since", "day"),
    Column("until", "Until", "day"),
    Column("attempts", "Others tried", "quantity", href=lambda row: "#attempts" if row["attempts"] else None),
]
PERIOD_COLUMNS = [
    Column("domain", "Data"),
    Column("system", "System"),
    Column("effective_from", "From", "day"),
    Column("effective_until", "Until", "day"),
    Column("reason", "Because"),
    Column("actor", "Named by"),
    Column("id", "Action"),
]
ATTEMPT_COLUMNS = [
    Column("domain", "Data"),
    Column("system", "System"),
    Column("attempts", "Attempts", "quantity"),
    Column("last_at", "Last", "time"),
    Column("last_subject", "What it wrote"),
    Column("last_actor", "By"),
]


@master_data.get("/authorities")
@requires("master_data.read")
def authorities() -> str:
    """Show who is authoritative now, who was and will be, and the attempts of others."""
    return _page({}, {})


@master_data.post("/authorities")
@requires("master_data.edit")
def name_authority() -> ResponseReturnValue:
    """Name a system for a domain."""
    demand_whole_entities()

    def command(session: Session, now: datetime) -> None:
        entity_id = scope()[0]
        naming = Naming(
            entity_id,
            filled("domain"),
            filled("system"),
            filled_moment(session, "effective_from"),
            filled_moment(session, "effective_until"),
            filled("reason", REASON_CHARACTERS_MAX) or None,
            replace=bool(filled("replace")),
        )
        services.name_authorities(session, [naming], by=actor(), now=now)

    try:
        in_scope(command)
    except Refused as refused:
        return _page(errors_by_field(refused), request.form), 422
    flash(f"{filled('system')} is named.", "success")
    return redirect(url_for("master_data.authorities"), 303)


@master_data.post("/authorities/<int:period_id>/end")
@requires("master_data.edit")
def end_authority(period_id: int) -> ResponseReturnValue:
    """End a period now, or withdraw one that has not begun."""
    demand_whole_entities()
    try:
        in_scope(lambda session, now: services.end_authorities(session, [Ending(period_id)], by=actor(), now=now))
        flash("Ended.", "success")
    except Refused as refused:
        flash("; ".join(error.message for error in refused.errors), "error")
    return redirect(url_for("master_data.authorities"), 303)


def _page(errors: dict[str, str], given: Any) -> str:
    def load(session: Session, now: datetime) -> dict[str, Any]:
        entity_id = scope()[0]
        book, attempts = book_of(session), services.attempts_of(session, entity_id, now)
        tried = {domain: sum(row[3] for row in attempts if row[1] == domain) for domain in DOMAINS}
        periods = services.registered(session, [entity_id])
        names = actor_names(session, {row.actor for row in periods} | {row[6] for row in attempts})
        present = {domain: book.named(domain, entity_id, now) for domain in DOMAINS}
        return {
            "entity": queries.entity_of(session, entity_id),
            "present": [
                {
                    "domain": label,
                    "system": period.system if period else None,
                    "since": period.effective_from if period else None,
                    "until": period.effective_until if period else None,
                    "attempts": tried[domain],
                }
                for domain, label in DOMAINS.items()
                for period in [present[domain]]
            ],
            "periods": [
                {
                    "id": row.id,
                    "domain": DOMAINS[row.domain],
                    "system": row.system,
                    "effective_from": row.effective_from,
                    "effective_until": row.effective_until,
                    "reason": row.reason,
                    "actor": names.get(row.actor, row.actor),
                    "state": _state(row.effective_from, row.effective_until, now),
                }
                for row in periods
            ],
            "attempts": [
                {
                    "domain": DOMAINS[row[1]],
                    "system": row[2],
                    "attempts": row[3],
                    "last_at": row[5],
                    "last_actor": names.get(row[6], row[6]),
                    "last_subject": row[7],
                }
                for row in attempts
            ],
        }

    return render_template(
        "master_data/authorities.html",
        now_columns=NOW_COLUMNS,
        period_columns=PERIOD_COLUMNS,
        attempt_columns=ATTEMPT_COLUMNS,
        domains=list(DOMAINS.items()),
        errors=errors,
        given=given,
        may_edit=may_edit(),
        **in_scope(load),
    )


def _state(effective_from: datetime, effective_until: datetime | None, now: datetime) -> str:
    if effective_until is not None and effective_until <= max(now, effective_from):
        return "withdrawn" if effective_until == effective_from else "over"
    return "to come" if effective_from > now else "in force"
