"""HTML `/exceptions/board`: how it stands, per location and kind; every number leads to its exceptions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import render_template
from onhand import clocks
from onhand.access import in_scope, requires, scope
from onhand.web import Column, asked
from sqlalchemy.orm import Session

from onhand_exceptions import board as figures
from onhand_exceptions import kinds, lookups, queries, services
from onhand_exceptions.filtering import Filter, spelt
from onhand_exceptions.services.tallying import DUE_SOON
from onhand_exceptions.views.ageing import STATE_TONES
from onhand_exceptions.views.asking import me, reach
from onhand_exceptions.views.pages import exceptions
from onhand_exceptions.views.wanted import list_href

__all__ = ["board"]

ESCALATING_MAX = 10
WIDTH, HEIGHT = 600, 120


@exceptions.get("/board")
@requires("exceptions.read")
def board() -> str:
    """Show what is open by location and kind, against service levels and in money, and how that went these 30 days."""
    return render_template("exceptions/board.html", state_tones=STATE_TONES, due_soon=DUE_SOON, **in_scope(_board))


def _board(session: Session, now: datetime) -> dict[str, Any]:
    entity_id = scope()[0]
    places = reach()[entity_id]
    location = asked("location")
    [entity] = lookups.entities_of(session, [entity_id])
    today = clocks.today(now, entity.time_zone)
    counted = figures.latest(session, entity_id)
    if counted is None or counted[0] < today:  # nobody has counted today: the first look does
        services.tally(session, entity_id, now=now)
        counted = figures.latest(session, entity_id)
    if counted is None or counted[0] < today:  # nothing is open, and nothing came or went today
        counted = (today, now)
    day, at = counted
    by_kind = figures.by_kind(session, entity_id, day, places, location)
    days = figures.trend(session, entity_id, day, places, location)
    labels = {name: kind.label for name, kind in kinds.known(session, entity_id, now).items()}
    wanted = Filter(tab="escalating", me=me(), locations=(location,) if location else ())
    rows = queries.first(session, reach(), wanted, now, ESCALATING_MAX)
    return {
        "now": now,
        "at": at,
        "location": location,
        "currency": entity.currency,
        "total": figures.total(by_kind),
        "by_location": [] if location else figures.by_location(session, entity_id, day, places),
        "by_kind": by_kind,
        "kinds": labels,
        "location_columns": _columns("Location", lambda line: _at(line.name)),
        "kind_columns": _columns("Kind", lambda line: [f"kind:{line.name}", *_at(location)]),
        "days": days,
        "curves": {name: curve([getattr(one, name) for one in days]) for name in ("open", "opened", "resolved")},
        "size": (WIDTH, HEIGHT),
        "escalating": rows,
        "list_href": list_href(" ".join(_at(location))),
    }


def curve(values: Sequence[int]) -> str:
    """Return the points of a line that draws values, 0 at the bottom, for an SVG of WIDTH by HEIGHT."""
    top = max(1, *values)
    step = WIDTH / max(1, len(values) - 1)
    return " ".join(
        f"{place * step:.1f},{HEIGHT - 4 - value / top * (HEIGHT - 8):.1f}" for place, value in enumerate(values)
    )


def _columns(name: str, tokens: Callable[[figures.Line], Sequence[str]]) -> list[Column]:
    """Return the columns of a table whose lines' numbers lead to the exceptions that these tokens leave."""

    def narrowed(*more: str) -> Callable[[figures.Line], str]:
        return lambda line: list_href(" ".join([*tokens(line), *more]))

    return [
        Column("name", name),
        Column("open", "Open", "quantity", href=narrowed()),
        Column("due_soon", "Due soon", "quantity"),
        Column("overdue", "Overdue", "quantity", href=narrowed("state:escalating")),
        Column("long_overdue", "Twice overdue", "quantity"),
        Column("bands", "Against the service level"),
        Column("amount_minor", "At risk"),
        Column("oldest_at", "Oldest", "time"),
    ]


def _at(location: str | None) -> list[str]:
    return [spelt("location", location)] if location else []
