from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from onhand.access import requires
from onhand.web import Column

shelf = Blueprint("shelf", __name__, url_prefix="/shelf", template_folder="templates")

COLUMNS = [Column("code", "Code", "code"), Column("held", "Held", "quantity"), Column("counted_at", "Counted", "day")]
COUNTED = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)


@shelf.get("/")
@requires("shelf.read")
def rows():
    found = [{"code": f"S{n}", "held": n * 1000, "counted_at": COUNTED} for n in range(6)]
    return render_template(
        "shelf/rows.html", columns=COLUMNS, rows=[r for r in found if request.args.get("q", "") in r["code"]]
    )


@shelf.get("/broken")
@requires("shelf.read")
def broken():
    raise RuntimeError("this must not be told")
