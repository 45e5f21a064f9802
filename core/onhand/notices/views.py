"""HTML: one's own notices."""

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from onhand.access import actor, in_scope, requires
from onhand.notices.models import Notice
from onhand.notices.services import listed, mark_read
from onhand.rest import page
from onhand.web import Column

__all__ = ["notices"]

notices = Blueprint("notices", __name__, url_prefix="/notices", template_folder="templates")
COLUMNS = [Column("text", "Notice"), Column("recorded_at", "When", "time"), Column("read_at", "Seen", "time")]
ID_MAX = 2**63 - 1


@notices.get("/")
@requires("notices.read")
def mine() -> str:
    """Show what this person should know, newest first."""

    def load(session: Session, _: datetime) -> dict[str, Any]:
        return dict(page(session, listed(_me()), (Notice.id.desc(),), request.args.get("cursor")))

    found = in_scope(load)
    unread = [row.id for row in found["items"] if row.read_at is None]
    return render_template(
        "notices/mine.html", columns=COLUMNS, rows=found["items"], next=found["next"], newest=max(unread, default=None)
    )


@notices.post("/read")
@requires("notices.read")
def read() -> ResponseReturnValue:
    """Note that they are seen, up to the newest that was shown."""
    up_to = request.form.get("up_to", type=int) or 0
    if 0 < up_to <= ID_MAX:
        in_scope(lambda session, now: mark_read(session, _me(), up_to=up_to, now=now))
    return redirect(url_for("notices.mine"), 303)


def _me() -> int:
    return actor().person_id or 0
