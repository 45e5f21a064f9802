"""Back-test of what decides on adjustments: recorded requests are weighed again, in the order in which they came."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from onhand.contributions import BacktestResult, BacktestRow, PolicyBacktest, PolicyReader, PolicyTrial
from onhand.db import cursor, int_array
from onhand.policies.book import Where
from sqlalchemy.orm import Session

from onhand_stock.services.adjusting.weighing import SPLIT_HOURS, Route, weigh
from onhand_stock.settings import AMOUNT, RECOUNT, UNITS, VALUE, worth

__all__ = ["ASKED_MAX", "BACKTESTS"]

ASKED_MAX = 20_000
SAID: dict[Route, str] = {
    "at_once": "posted at once",
    "recount": "counted again first",
    "approval": "put before those who approve",
}
# Those asked for in the window before are read too: they were added up with what followed them.
ASKED = """
/* stock.backtest_asked */
SELECT a.id, a.entity_id, a.item_id, i.category_id, a.location_id, i.sku, l.code, a.kind, a.state, a.delta, a.value_minor,
  a.counted IS NOT NULL, a.is_trusted, a.requester, a.recorded_at
FROM (SELECT * FROM stock.adjustment WHERE entity_id = ANY(%(entities)s::int[]) AND recorded_at > %(before)s
  AND recorded_at <= %(until)s AND status <> 'dropped' ORDER BY recorded_at DESC, id DESC LIMIT %(most)s) a
JOIN master_data.item i ON i.id = a.item_id JOIN master_data.location l ON l.id = a.location_id
ORDER BY a.recorded_at, a.id
"""


class _Asked(NamedTuple):
    """A recorded request; `was_counted` says that `delta` is what a second count found."""

    id: UUID
    entity_id: int
    item_id: int
    category_id: int | None
    location_id: int
    sku: str
    code: str
    kind: str
    state: str
    delta: int
    value_minor: int | None
    was_counted: bool
    is_trusted: bool
    requester: str
    recorded_at: datetime
    counted: None = None

    @property
    def where(self) -> Where:
        return Where(self.item_id, self.category_id, self.location_id, None, self.entity_id)

    @property
    def label(self) -> str:
        """What was asked for, as a page says it."""
        what = f"{self.delta:+} {self.state}".replace("-", "\N{MINUS SIGN}") if self.delta else "markdown"
        return f"{self.sku} at {self.code}: {what}".replace("_", " ")


@dataclass
class _Desk:
    """One set of policies, deciding on requests as they come; remembers what it decided within the window of each."""

    read: PolicyReader
    seen: dict[tuple[str, int, int], deque[tuple[datetime, int, int]]] = field(default_factory=dict)
    rules: dict[Where, tuple[int, int, int, Decimal | None, timedelta]] = field(default_factory=dict)

    def decide(self, asked: _Asked) -> tuple[Route, int | None]:
        """Return what becomes of a request, and what it is worth."""
        units_max, amount_max, recount, unit_value, window = self._rules(asked.where)
        value = asked.value_minor if asked.kind == "markdown" else worth(asked.delta, unit_value)
        key = (asked.requester, asked.item_id, asked.location_id)
        recent = self.seen.setdefault(key, deque())
        since = asked.recorded_at - window
        while recent and recent[0][0] <= since:
            recent.popleft()
        before = sum(units for _, units, _ in recent), sum(amount for _, _, amount in recent)
        recent.append((asked.recorded_at, abs(asked.delta), abs(value or 0)))
        return weigh(asked._replace(value_minor=value), before, units_max, amount_max, recount), value

    def _rules(self, where: Where) -> tuple[int, int, int, Decimal | None, timedelta]:
        if where not in self.rules:
            units, amount, recount, hours = (
                int(self.read(name, where)) for name in (UNITS, AMOUNT, RECOUNT, SPLIT_HOURS)
            )
            value = self.read(VALUE, where)
            known = value if isinstance(value, Decimal) and value else None
            self.rules[where] = units, amount, recount, known, timedelta(hours=hours)
        return self.rules[where]


def _adjustments(session: Session, trial: PolicyTrial) -> BacktestResult:
    """Weigh recorded requests by both sets of policies: who would have had to agree, or to count again.

    What was refused at the time is left out. What a second count found stands for what was asked for before it.
    """
    asked = [_Asked(*row) for row in cursor(session).execute(ASKED, _window(trial)).fetchall()]
    examined = [one for one in asked if one.recorded_at > trial.since]
    found = list(_differing(trial, asked))
    amounts = [abs(value) for _, _, _, value in found if value is not None]
    notes = [f"The newest {ASKED_MAX} requests count."] if len(asked) == ASKED_MAX else []
    if counted := sum(one.was_counted for one in examined):
        notes.append(f"{counted} were counted again: what was found stands for what was asked for.")
    if len(amounts) < len(found):
        notes.append(f"The value of a unit is not known for {len(found) - len(amounts)} of them.")
    return BacktestResult(
        examined=len(examined),
        different=len(found),
        rows=tuple(_row(*one) for one in found[: -trial.rows_max - 1 : -1]),
        quantity=sum(abs(one.delta) for one, *_ in found),
        amount_minor=sum(amounts) if amounts else None,
        notes=tuple(notes),
    )


def _differing(trial: PolicyTrial, asked: list[_Asked]) -> Iterator[tuple[_Asked, Route, Route, int | None]]:
    """Yield the requests that the draft decides otherwise, oldest first, with both ways and the value."""
    live, draft = _Desk(trial.live), _Desk(trial.draft)
    for one in asked:
        (was, _), (would, value) = live.decide(one), draft.decide(one)
        if was != would and one.recorded_at > trial.since:
            yield one, was, would, value


def _row(asked: _Asked, was: Route, would: Route, value: int | None) -> BacktestRow:
    worth_ = None if value is None else abs(value)
    return BacktestRow(
        asked.label, f"/stock/adjustments/{asked.id}", SAID[was], SAID[would], abs(asked.delta), worth_
    )  # fmt: skip


def _window(trial: PolicyTrial) -> dict[str, Any]:
    readers, places = (trial.live, trial.draft), [Where(entity_id=entity) for entity in trial.entities]
    hours = max(int(read(SPLIT_HOURS, place)) for read in readers for place in places)
    return {
        "entities": int_array(trial.entities),
        "before": trial.since - timedelta(hours=hours),
        "until": trial.until,
        "most": ASKED_MAX,
    }


BACKTESTS = (PolicyBacktest("Recorded adjustments", (UNITS, AMOUNT, RECOUNT, VALUE, SPLIT_HOURS), _adjustments),)
