"""The executive view: balances' doubt in a few figures, the query behind each, and the rows behind each number."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file
from sqlalchemy.orm import Session

from onhand.access import current_entity, in_scope, principal, requires
from onhand.contributions import Kpi, KpiColumn
from onhand.kpis import (
    HREF,
    ROWS_EXPORTED_MAX,
    ROWS_SHOWN_MAX,
    Figure,
    as_csv,
    as_xlsx,
    figure,
    kpis_of,
    or_failure,
    rows_behind,
)
from onhand.problems import NotFound
from onhand.web.forms import asked
from onhand.web.tables import Column

__all__ = ["executive"]

PERMISSION = "onhand.read"
PERIODS = {1: "Last 24 hours", 7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days"}
PERIOD_DEFAULT = 7
KEY_CHARACTERS_MAX = 300
NUMBERS = frozenset({"quantity", "seconds", "permille", "money"})
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

executive = Blueprint("executive", __name__, url_prefix="/executive")


@executive.get("/")
@requires(PERMISSION)
def index() -> str:
    """Show every figure that who asks may read, for the entity and period."""
    days = _days()

    def load(session: Session, now: datetime) -> list[Any]:
        since = now - timedelta(days=days)
        return [
            or_failure(session, kpi, partial(figure, session, kpi, _entity(), since, now))
            for kpi in kpis_of(session, _entity(), now)
            if _may(kpi)
        ]

    figures = in_scope(load)
    return render_template(
        "onhand/executive.html", figures=[(one, _columns(one.kpi.columns)) for one in figures], days=days,
        periods=list(PERIODS.items()), may_mend=_may_mend(),
    )  # fmt: skip


@executive.get("/<name>")
@requires(PERMISSION)
def behind(name: str) -> str:
    """Show what a number counts: in words, as its query, and row by row."""
    days, key = _days(), _key()

    def load(session: Session, now: datetime) -> Figure:
        kpi, since = _known(session, name, now), now - timedelta(days=days)

        def work() -> Figure:
            return Figure(kpi, rows_behind(session, kpi, _entity(), since, now, key, limit=ROWS_SHOWN_MAX))

        return or_failure(session, kpi, work)

    found = in_scope(load)
    return render_template(
        "onhand/executive_rows.html", kpi=found.kpi, rows=found.rows, failure=found.failure, may_mend=_may_mend(),
        columns=_columns(found.kpi.rows_columns), key=key, days=days, periods=list(PERIODS.items()),
        rows_max=ROWS_SHOWN_MAX, href=HREF,
    )  # fmt: skip


@executive.get("/<name>/export")
@requires(PERMISSION)
def export(name: str) -> Response:
    """Give the figures as a file, or with a key the rows behind one, for the entity and period of the page."""
    days, key = _days(), _key() if request.args.get("key") else None

    def load(session: Session, now: datetime) -> tuple[Kpi, Sequence[KpiColumn], Sequence[Any]]:
        kpi, since = _known(session, name, now), now - timedelta(days=days)
        if key is None:
            return kpi, kpi.columns, figure(session, kpi, _entity(), since, now).rows
        rows = rows_behind(session, kpi, _entity(), since, now, key, limit=ROWS_EXPORTED_MAX)
        return kpi, kpi.rows_columns, rows

    kpi, columns, rows = in_scope(load)
    if request.args.get("format") == "xlsx":
        content, kind, suffix = as_xlsx(columns, rows, kpi.label), XLSX, "xlsx"
    else:
        content, kind, suffix = as_csv(columns, rows), "text/csv", "csv"
    file = f"{kpi.name}-{days}d.{suffix}"
    return send_file(io.BytesIO(content), mimetype=kind, as_attachment=True, download_name=file)


def _known(session: Session, name: str, now: datetime) -> Kpi:
    for kpi in kpis_of(session, _entity(), now):
        if kpi.name == name and _may(kpi):
            return kpi
    raise NotFound("there is no such figure here")


def _may(kpi: Kpi) -> bool:
    """Return whether who asks may read all of the entity's rows that a figure counts, not those of a location alone."""
    known, entity_id = principal(), _entity()
    return known.may(kpi.permission, entity_id) and known.locations(kpi.permission, entity_id) is None


def _may_mend() -> bool:
    return principal().may("onhand.administer", _entity())


def _entity() -> int:
    entity_id = current_entity()
    if entity_id is None:
        raise NotFound("there is no entity to look at")
    return entity_id


def _days() -> int:
    asked = request.args.get("days", type=int)
    return asked if asked in PERIODS else PERIOD_DEFAULT


def _key() -> str:
    return asked("key", KEY_CHARACTERS_MAX) or "*"


def _columns(columns: Sequence[KpiColumn]) -> list[tuple[KpiColumn, Column]]:
    return [
        (
            one,
            Column(one.key, one.label, "quantity" if one.kind in NUMBERS else "time" if one.kind == "time" else "text"),
        )
        for one in columns
    ]
