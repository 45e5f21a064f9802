"""What becomes of a request: done at once, counted again first, or put before others. Policy decides, here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from onhand.db import cursor, int_array, text_array, time_array
from onhand.policies.book import Where
from onhand.policies.services import resolve_many
from sqlalchemy.orm import Session

from onhand_stock.models import Adjustment
from onhand_stock.settings import recount_from, tolerances, unit_values, worth
from onhand_stock.valuing import categories_of

__all__ = ["SPLIT_HOURS", "Route", "places_of", "route", "values_of", "weigh"]

Route = Literal["at_once", "recount", "approval"]


class Weighed(Protocol):
    """What of an adjustment policy looks at."""

    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def delta(self) -> int: ...
    @property
    def value_minor(self) -> int | None: ...
    @property
    def counted(self) -> int | None: ...
    @property
    def is_trusted(self) -> bool: ...


# By size, not by sign, as approvals add up what they were asked for.
RECENT = """
/* adjust.recent */ SELECT k.requester, k.item_id, k.location_id, coalesce(sum(abs(a.delta)), 0)::bigint,
  coalesce(sum(abs(a.value_minor)), 0)::bigint
FROM unnest(%s::text[], %s::int[], %s::int[], %s::timestamptz[]) AS k (requester, item_id, location_id, since)
JOIN stock.adjustment a ON a.requester = k.requester AND a.item_id = k.item_id AND a.location_id = k.location_id
  AND a.recorded_at > k.since AND a.status <> 'dropped' AND a.id <> ALL(%s::uuid[])
GROUP BY 1, 2, 3
"""
SPLIT_HOURS = "approvals.split_hours"


def places_of(session: Session, keys: Sequence[tuple[int, int, int]]) -> list[Where]:
    """Return where policies are asked for, by (entity, item, location)."""
    categories = categories_of(session, {item_id for _, item_id, _ in keys})
    return [Where(item_id, categories.get(item_id), location_id, None, entity) for entity, item_id, location_id in keys]


def values_of(session: Session, units: Sequence[int], places: Sequence[Where], now: datetime) -> list[int | None]:
    """Return what so many units are worth at each place, None where a unit's value is not known."""
    found = unit_values(session, places, now)
    return [worth(count, value) for count, value in zip(units, found, strict=True)]


def route(session: Session, rows: Sequence[Adjustment], places: Sequence[Where], now: datetime) -> list[Route]:
    """Return what becomes of each row, all being new: what one person split is added up, in the list and before it."""
    limits = tolerances(session, places, now)
    recounts = recount_from(session, places, now)
    sums = _recent(session, rows, places, now)
    routes: list[Route] = []
    for row, (units_max, amount_max), recount in zip(rows, limits, recounts, strict=True):
        key = (row.requester, row.item_id, row.location_id)
        before = sums.get(key, (0, 0))
        sums[key] = before[0] + abs(row.delta), before[1] + abs(row.value_minor or 0)
        routes.append(weigh(row, before, units_max, amount_max, recount))
    return routes


def weigh(row: Weighed, before: tuple[int, int], units_max: int, amount_max: int, recount: int) -> Route:
    """Return what becomes of one row, given the units and the value that were asked for before and count with it."""
    units, amount = before[0] + abs(row.delta), before[1] + abs(row.value_minor or 0)
    is_within = units <= units_max and (row.value_minor is None or amount <= amount_max)
    if _wants_recount(row, recount):
        return "recount"
    return "at_once" if row.is_trusted and is_within else "approval"


def _wants_recount(row: Weighed, threshold: int) -> bool:
    """A count says what stands on the shelf: not what was thrown away, nor what another state holds."""
    is_shelf = row.kind == "adjustment" and row.state == "available"
    return is_shelf and row.counted is None and 0 < threshold <= abs(row.delta)


def _recent(
    session: Session, rows: Sequence[Adjustment], places: Sequence[Where], now: datetime
) -> dict[tuple[str, int, int], tuple[int, int]]:
    hours = resolve_many(session, SPLIT_HOURS, places, at=now)
    keys = {
        (row.requester, row.item_id, row.location_id): now - timedelta(hours=int(window))
        for row, window in zip(rows, hours, strict=True)
    }
    found = cursor(session).execute(
        RECENT,
        (
            text_array(key[0] for key in keys),
            int_array(key[1] for key in keys),
            int_array(key[2] for key in keys),
            time_array(keys.values()),
            text_array(str(row.id) for row in rows),
        ),
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in found.fetchall()}
