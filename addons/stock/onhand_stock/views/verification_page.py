"""HTML: whether the books agree, law by law, as the last verification found."""

from datetime import datetime
from typing import Any

from flask import render_template
from onhand.access import in_scope, principal, requires
from onhand.web.tables import Column
from sqlalchemy.orm import Session

from onhand_stock.queries import verifications
from onhand_stock.views.pages import stock

__all__ = ["verification"]

RUNS_SHOWN = 24
LAWS = [
    Column("explains", "What holds"),
    Column("code", "Law", "code"),
    Column("differences", "Differences", "quantity"),
]
RUNS = [Column("recorded_at", "When", "time"), Column("differences", "Differences", "quantity"), Column("took", "Took")]


@stock.get("/verification")
@requires("stock.read")
def verification() -> str:
    """Show the last run of the invariants. Whose rows differ is shown to those who see the whole group."""
    return render_template(
        "stock/verification.html", laws=LAWS, runs=RUNS, may_see_rows=principal().may_in_group("stock.read"),
        **in_scope(_verification),
    )  # fmt: skip


def _verification(session: Session, _: datetime) -> dict[str, Any]:
    found = verifications(session, limit=RUNS_SHOWN)
    return {
        "last": found[0] if found else None,
        "findings": sorted(found[0].findings, key=lambda law: int(law["code"][1:])) if found else [],
        "before": [
            {"recorded_at": one.recorded_at, "differences": one.differences, "took": f"{one.seconds:.1f} s"}
            for one in found[1:]
        ],
    }
