"""The audit trail as pages: a list by filter, one row before and after, and the block that seals it."""

import io
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file, url_for
from sqlalchemy.orm import Session

from onhand import clocks
from onhand.access import actor, current_entity, in_scope, principal, requires, scope, sensitive
from onhand.audit import queries
from onhand.audit.exporting import Wanted, export_jsonl
from onhand.problems import Forbidden, NotFound
from onhand.rest.paging import page
from onhand.web.forms import asked, filters
from onhand.web.shell import Shell
from onhand.web.tables import Column

__all__ = ["audit"]

PERMISSION = "onhand.read_audit"

audit = Blueprint("audit", __name__, url_prefix="/audit")

COLUMNS = [
    Column("action", "Action", "code", href=lambda row: url_for("audit.entry", audit_id=row.id)),
    Column("subject", "Subject"),
    Column("actor_name", "By"),
    Column("reason", "Reason"),
    Column("recorded_at", "When", "time"),
    Column("id", "Seal"),
]


@audit.get("/")
@requires(PERMISSION)
@sensitive
def trail() -> str:
    """Show who changed or saw what, latest first."""
    return render_template("onhand/audit.html", columns=COLUMNS, **_trail(_wanted()))


@audit.get("/<int:audit_id>")
@requires(PERMISSION)
@sensitive
def entry(audit_id: int) -> str:
    """Show one row: before and after, why, under which policies, and how its seal stands."""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        row = queries.one(session, _known(audit_id), with_group=_with_group())
        if row is None:
            raise NotFound("there is no such entry here")
        return {"row": row, "differences": queries.differences(row), "standing": queries.standing(session, row.id)}

    return render_template("onhand/audit_entry.html", **in_scope(load))


@audit.get("/blocks/<int:number>")
@requires(PERMISSION)
@sensitive
def block(number: int) -> str:
    """Show a block: what it covers, its digest, and whether it recomputes."""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        with_group = _with_group()
        found = queries.block(session, number) if number < 2**31 else None
        if found is None:
            raise NotFound("there is no such block")
        rows = page(
            session, queries.rows_of(found[0], with_group=with_group), queries.ORDER, request.args.get("cursor")
        )
        return {
            "block": found[0], "recomputes": found[1], "follows": found[2], "rows": rows["items"], "next": rows["next"],
            "has_next": queries.block(session, number + 1) is not None,
        }  # fmt: skip

    return render_template("onhand/audit_block.html", columns=COLUMNS[:-1], **in_scope(load))


@audit.get("/export")
@requires(PERMISSION)
def export() -> Response:
    """Give the rows of the period, and the blocks that vouch for them, as a file to be verified without us."""
    wanted = _wanted()
    stream = io.StringIO()

    def command(session: Session, _: datetime) -> None:
        _with_group()
        stream.seek(0)
        stream.truncate()
        export_jsonl(session, Wanted(wanted.since, wanted.until, current_entity()), stream, by=actor())

    in_scope(command)
    return send_file(
        io.BytesIO(stream.getvalue().encode()),
        mimetype="application/x-ndjson",
        as_attachment=True,
        download_name="audit.jsonl",
    )


def _trail(wanted: queries.Filter) -> dict[str, Any]:
    def load(session: Session, _: datetime) -> dict[str, Any]:
        with_group = _with_group()
        found = page(session, queries.listed(wanted, with_group=with_group), queries.ORDER, request.args.get("cursor"))
        return {
            "rows": found["items"],
            "next": found["next"],
            "blocks": queries.standings(session, [row.id for row in found["items"]]),
            "with_group": with_group,
            "filters": filters(),
        }

    return in_scope(load)


def _with_group() -> bool:
    """Return whether who asks may see what concerns the group; Forbidden for whom a role at a single location let in."""
    known = principal()
    if any(known.locations(PERMISSION, entity_id) is not None for entity_id in scope()):
        raise Forbidden("the trail of an entity is read by those who may read all of it", permission=PERMISSION)
    return known.may_in_group(PERMISSION)


def _wanted() -> queries.Filter:
    first, last = _day("from"), _day("to")
    since, until = first.begins_at if first else None, last.ends_at if last else None
    of_group = {"group": True, "entity": False}.get(request.args.get("about", ""))
    return queries.Filter(asked("actor"), asked("action"), asked("subject"), since, until, of_group)


def _day(name: str) -> clocks.Day | None:
    """Return a day by the entity's clock; None for what is no day: the page narrows by what it understands."""
    try:
        return clocks.day(asked(name) or "", Shell.of_request().zone)
    except clocks.NoMoment:
        return None


def _known(id_: int) -> int:
    if id_ >= 2**63:
        raise NotFound("there is no such entry here")
    return id_
