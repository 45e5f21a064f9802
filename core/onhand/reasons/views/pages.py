"""HTML: the vocabulary, and one code of it."""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.access.models import User
from onhand.audit import Audit
from onhand.reasons import services
from onhand.reasons.models import ReasonCode
from onhand.reasons.views.asking import listed, may_edit, require_editor, seen
from onhand.rest import page
from onhand.web import Column, filled, sentence, whole_number

__all__ = ["reasons"]

reasons = Blueprint("reasons", __name__, url_prefix="/reasons", template_folder="../templates")

PEOPLE_MAX = 500
CHANGES_MAX = 50
COLUMNS = [
    Column("label", "Reason", href=lambda row: url_for("reasons.detail", code=row.code)),
    Column("code", "Code", "code"), Column("kinds", "May be given for"), Column("owner", "Owner"),
]  # fmt: skip


@reasons.get("/")
@requires("reasons.read")
def vocabulary() -> str:
    """Show the reason codes in use, or those retired."""
    retired = request.args.get("status") == "retired"

    def load(session: Session, _: datetime) -> dict[str, Any]:
        query = listed(retired=retired)
        found = page(session, query, (ReasonCode.label.asc(), ReasonCode.code.asc()), request.args.get("cursor"))
        return {"rows": found["items"], "next": found["next"]}

    tabs = [("In use", url_for(".vocabulary"), None), ("Retired", url_for(".vocabulary", status="retired"), None)]
    return render_template(
        "reasons/list.html", columns=COLUMNS, tabs=tabs, tab="Retired" if retired else "In use", may_add=may_edit(None),
        **in_scope(load),
    )  # fmt: skip


@reasons.get("/add-code")
@requires("reasons.edit")
def add_form() -> str:
    """Show the form for a new code."""
    require_editor(None)
    return _page(None)


@reasons.post("/add-code")
@requires("reasons.edit")
def add() -> ResponseReturnValue:
    """Add a code."""

    def command(session: Session, now: datetime) -> str:
        require_editor(None)
        code = filled("code")
        if session.get(ReasonCode, code) is not None:
            raise services.ReasonRefused("code", f"there is a reason code {code!r} already")
        return services.save(session, [_draft(code, None)], by=actor(), now=now)[0].code

    return _answer(command, None, "Added.")


@reasons.get("/<code>")
@requires("reasons.read")
def detail(code: str) -> str:
    """Show one code: what it is for, whose it is, what was changed."""
    return _page(code)


@reasons.post("/<code>")
@requires("reasons.edit")
def change(code: str) -> ResponseReturnValue:
    """Change the version that was seen."""

    def command(session: Session, now: datetime) -> str:
        require_editor(seen(session, code))
        version = request.form.get("version", type=int) or 0
        return services.save(session, [_draft(code, version)], by=actor(), now=now)[0].code

    return _answer(command, code, "Changed.")


@reasons.post("/<code>/retire")
@requires("reasons.edit")
def retire(code: str) -> ResponseReturnValue:
    """Retire a code."""

    def command(session: Session, now: datetime) -> str:
        require_editor(seen(session, code))
        return services.retire(session, [code], by=actor(), now=now, reason=filled("reason") or None)[0].code

    return _answer(command, code, "Retired. What was posted keeps it; nobody may give it any more.")


@reasons.post("/<code>/reinstate")
@requires("reasons.edit")
def reinstate(code: str) -> ResponseReturnValue:
    """Let a retired code be given again."""

    def command(session: Session, now: datetime) -> str:
        require_editor(seen(session, code))
        return services.reinstate(session, [code], by=actor(), now=now, reason=filled("reason") or None)[0].code

    return _answer(command, code, "It may be given again.")


def _answer(command: Any, code: str | None, done: str) -> ResponseReturnValue:
    try:
        saved = in_scope(command)
    except services.ReasonRefused as refused:
        if refused.why == "unknown":
            raise problems.NotFound(str(refused)) from None
        said = sentence(refused)
        return _page(code, errors={refused.field: said}), 409 if refused.why == "changed" else 422
    flash(done, "good")
    return redirect(url_for("reasons.detail", code=saved), 303)


def _page(code: str | None, errors: dict[str, str] | None = None) -> str:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        row = None if code is None else seen(session, code)
        facts = {} if row is None else {column.key: getattr(row, column.key) for column in row.__table__.columns}
        people = select(User.id, User.name, User.username).where(User.active).order_by(User.name, User.id)
        return {
            "row": facts,
            "may_edit": may_edit(row),
            "people": [
                (id_, f"{name} ({username})") for id_, name, username in session.execute(people.limit(PEOPLE_MAX))
            ],
            "changes": [] if row is None else _changes(session, row.code),
        }

    return render_template("reasons/reason.html", errors=errors or {}, given=request.form, **in_scope(load))


def _changes(session: Session, code: str) -> list[Any]:
    """Return what was done to a code, latest first."""
    query = select(Audit.action, Audit.actor_name, Audit.recorded_at, Audit.before, Audit.after, Audit.reason)
    query = query.where(Audit.subject == f"reason_code:{code}").order_by(Audit.id.desc()).limit(CHANGES_MAX)
    return list(session.execute(query))


def _draft(code: str, version: int | None) -> services.ReasonDraft:
    kinds = tuple(part for part in filled("kinds").replace(",", " ").replace("|", " ").split() if part)
    return services.ReasonDraft(
        code,
        filled("label"),
        filled("help"),
        kinds,
        whole_number(filled("owner")),
        version,
    )
