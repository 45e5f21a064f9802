"""HTML: the inbox, one approval, and what became of many decided at once."""

import re
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, in_scope, principal, requires, sensitive
from onhand.approvals import queries, services
from onhand.approvals.kinds import Amendment
from onhand.approvals.services.bulk import BULK_MAX, decide_bulk
from onhand.approvals.services.deciding import Verdict
from onhand.approvals.services.outcomes import Asked, Decided, Refused
from onhand.approvals.services.rows import kinds_of
from onhand.approvals.views.asking import ask_instead, judged, locations_to_choose, reader, seen
from onhand.reasons.api import reasons
from onhand.rest import page
from onhand.web import Column, asked, filled, filters, minor_units

__all__ = ["approvals"]

approvals = Blueprint("approvals", __name__, url_prefix="/approvals", template_folder="../templates")

NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
TABS: dict[queries.Tab, str] = {
    "waiting": "Waits for me", "mine": "My requests", "pending": "All waiting", "decided": "Decided",
}  # fmt: skip
TONES = {"pending": "warn", "approved": "good", "returned": "info", "rejected": "bad", "withdrawn": "neutral"}
DONE: dict[Verdict, str] = {"approve": "Approved", "return": "Returned", "reject": "Rejected"}
COLUMNS = [
    Column("title", "Request", href=lambda row: url_for("approvals.detail", approval_id=row.id)),
    Column("changes", "Before → after"),
    Column("quantity", "Quantity", "delta"),
    Column("amount_minor", "Amount", "delta"),
    Column("location", "Location", "code"),
    Column("asked_at", "Asked by"),
    Column("waiting_role", "Waits for"),
]


@approvals.get("/")
@requires("approvals.read")
def inbox() -> str:
    """Show what waits for this person, what they asked for, what else waits, and what is decided."""
    return render_template("approvals/inbox.html", columns=COLUMNS, tones=TONES, **in_scope(_inbox))


@approvals.get("/<uuid:approval_id>")
@requires("approvals.read")
@sensitive
def detail(approval_id: UUID) -> str:
    """Show one approval: before and after, what speaks for it, what was done, and the decision."""
    return render_template(
        "approvals/approval.html", tones=TONES, **in_scope(lambda session, now: _detail(session, approval_id, now))
    )


@approvals.post("/<uuid:approval_id>")
@requires("approvals.read")
def decide(approval_id: UUID) -> ResponseReturnValue:
    """Take the decision; where the numbers have moved the page shows the new ones."""
    verdict = _verdict()
    version = request.form.get("version", type=int) or 0

    def command(session: Session, now: datetime) -> Decided | Refused:
        seen(session, reader(session, now), approval_id)
        decision = services.Decision(approval_id, version, verdict, filled("reason") or None)
        return services.decide(session, [decision], by=actor(), now=now)[0]

    outcome = in_scope(command)
    if isinstance(outcome, Refused):
        flash(f"Not done: {outcome.detail}.", "warn" if outcome.why in {"outdated", "changed"} else "bad")
        return redirect(url_for("approvals.detail", approval_id=approval_id), 303)
    more = f" It waits for {outcome.waiting_role.replace('_', ' ')} next." if outcome.waiting_role else ""
    flash(f"{DONE[verdict]}.{more}", "good")
    return redirect(url_for("approvals.detail", approval_id=approval_id), 303)


@approvals.post("/decide")
@requires("approvals.read")
def decide_many() -> ResponseReturnValue:
    """Decide on what was chosen, and show what became of each."""
    verdict, reason = _verdict(), filled("reason") or None
    decisions = [services.Decision(id_, version, verdict, reason) for id_, version in _chosen()]
    if not decisions:
        flash("Choose at least one: press x on its line, or tick its box.", "warn")
        return redirect(url_for("approvals.inbox"), 303)

    def command(session: Session, now: datetime) -> list[dict[str, Any]]:
        who = reader(session, now)
        rows = queries.some(session, who, [decision.id for decision in decisions])
        known = [decision for decision in decisions if decision.id in rows]
        answers = decide_bulk(session, known, by=actor(), now=now)
        return [
            {"id": each.id, "title": rows[each.id].title, "outcome": answer, "done": isinstance(answer, Decided)}
            for each, answer in zip(known, answers, strict=True)
        ]

    results = in_scope(command)
    done = sum(result["done"] for result in results)
    return render_template(
        "approvals/outcome.html", results=results, done=done, verdict=DONE[verdict], columns=[
            Column("title", "Request", href=lambda row: url_for("approvals.detail", approval_id=row["id"])),
            Column("outcome", "Outcome"),
        ],
    )  # fmt: skip


@approvals.post("/<uuid:approval_id>/revise")
@requires("approvals.read")
def revise(approval_id: UUID) -> ResponseReturnValue:
    """Ask for something else in place of what one asked for oneself."""
    version = request.form.get("version", type=int) or 0

    def command(session: Session, now: datetime) -> Asked | Refused:
        row = seen(session, reader(session, now), approval_id)
        wanted = _amendment(row)
        if isinstance(wanted, Refused):
            return wanted
        return ask_instead(session, row, version, wanted, now)

    outcome = in_scope(command)
    if isinstance(outcome, Refused):
        flash(f"Not done: {outcome.detail}.", "bad")
    elif outcome.status == "approved":
        flash("Done: no rule demands consent for that.", "good")
    else:
        flash("Asked for that instead. Consents given so far are void.", "good")
    return redirect(url_for("approvals.detail", approval_id=approval_id), 303)


@approvals.post("/<uuid:approval_id>/withdraw")
@requires("approvals.read")
def withdraw(approval_id: UUID) -> ResponseReturnValue:
    """Take back what one asked for oneself."""

    def command(session: Session, now: datetime) -> Asked | Refused:
        seen(session, reader(session, now), approval_id)
        wish = services.Withdrawal(approval_id, filled("note") or None)
        return services.withdraw(session, [wish], by=actor(), now=now)[0]

    outcome = in_scope(command)
    if isinstance(outcome, Refused):
        flash(f"Not done: {outcome.detail}.", "bad")
    else:
        flash("Withdrawn.", "good")
    return redirect(url_for("approvals.detail", approval_id=approval_id), 303)


def _amendment(row: Any) -> Amendment | Refused:
    """Read what is wanted instead; what is as it was does not count."""
    quantity, amount, note = (
        filled("quantity").replace("\N{MINUS SIGN}", "-").replace(" ", ""),
        filled("amount"),
        filled("note"),
    )
    if quantity and not NUMBER.fullmatch(quantity):
        return Refused("invalid", f"{quantity!r} is no whole number: write one like -35", row.id)
    minor = minor_units(amount, row.currency) if amount and row.currency else None
    if amount and minor is None:
        return Refused("invalid", f"{amount!r} is no amount: write one like 500 or 499.50, in {row.currency}", row.id)
    if minor is not None and (row.amount_minor or 0) < 0:
        minor = -minor
    return Amendment(
        int(quantity) if quantity and int(quantity) != row.quantity else None,
        minor if minor != row.amount_minor else None,
        note if note != (row.note or "") else None,
        reason if (reason := filled("reason") or None) != row.reason else None,
        location if (location := filled("location") or None) != row.location else None,
    )


def _inbox(session: Session, now: datetime) -> dict[str, Any]:
    who, kinds = reader(session, now), kinds_of(session)
    wanted = _wanted()
    select = queries.listed(who, wanted, kinds)
    found = page(session, select, queries.ORDERS[wanted.tab], request.args.get("cursor"))
    waiting = queries.waiting_count(session, who, kinds)
    many = waiting >= queries.COUNT_MAX
    first = f"{TABS['waiting']} ({waiting}+)" if many else TABS["waiting"]
    labels = {**TABS, "waiting": first}
    counts: dict[str, int | None] = {"waiting": None if many else waiting}
    refusals = judged(session, who, found["items"])
    return {
        "rows": found["items"],
        "next": found["next"],
        "tab": wanted.tab,
        "tabs": [(labels[tab], url_for("approvals.inbox", tab=tab), counts.get(tab)) for tab in TABS],
        "tab_label": labels[wanted.tab],
        "kinds": {name: kind.label for name, kind in kinds.items()},
        "locations": [(code, code) for code in queries.locations(session, who)],
        "filters": filters(),
        "decidable": {row.id for row in found["items"] if refusals[row.id] is None},
        "may_delegate": principal().may("approvals.approve"),
    }


def _detail(session: Session, approval_id: UUID, now: datetime) -> dict[str, Any]:
    who, kinds = reader(session, now), kinds_of(session)
    row = seen(session, who, approval_id)
    refusal = judged(session, who, [row])[approval_id]
    kind = kinds.get(row.kind)
    return {
        "row": row,
        "kind": row.kind if kind is None else kind.label,
        "activity": queries.activity_of(session, approval_id),
        "refusal": refusal,
        "may_decide": refusal is None,
        "can_revise": kind is not None and kind.revise is not None,
        "can_move": kind is not None and kind.asks is not None and row.location is not None,
        "reasons": [(one.code, one.label) for one in reasons(session)],
        "locations": locations_to_choose(session, row.entity_id, kind.asks) if kind is not None else [],
        "is_mine": who.person is not None and row.requester_user_id == who.person,
    }


def _wanted() -> queries.Filter:
    tab = request.args.get("tab", "waiting")
    known: queries.Tab = tab if tab in TABS else "waiting"
    return queries.Filter(known, kind=asked("kind"), location=asked("location"))


def _chosen() -> list[tuple[UUID, int]]:
    """Read the ticked boxes, `<id>:<version>` each; what is none is passed over."""
    chosen: dict[UUID, int] = {}
    for value in request.form.getlist("chosen")[:BULK_MAX]:
        id_, _, version = value.partition(":")
        try:
            chosen[UUID(id_)] = int(version)
        except ValueError:
            continue
    return list(chosen.items())


def _verdict() -> Verdict:
    for verdict in get_args(Verdict):
        if request.form.get("verdict") == verdict:
            known: Verdict = verdict
            return known
    message = f"one of {', '.join(get_args(Verdict))}"
    raise problems.Invalid(message, errors=[problems.field_error("verdict", message, request.form.get("verdict"))])
