"""Back-tests of time to live and buffer: what was held, and what was refused, decided again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from onhand.contributions import BacktestResult, BacktestRow, PolicyBacktest, PolicyTrial
from onhand.db import cursor, int_array, time_array
from onhand.policies.book import Where
from onhand.web.formats import counted
from onhand_stock.api import item_page, worth
from sqlalchemy.orm import Session

from onhand_reservations.settings import BUFFER, TTL

__all__ = ["BACKTESTS", "HOLDS_MAX"]

UNIT_VALUE = "stock.unit_value_minor"
HOLDS_MAX = 50_000
REFUSALS_MAX = 2_000
HOLDS = """
/* reservations.backtest_holds */
SELECT h.id, h.reference, h.channel_id, h.entity_id, h.held_at, h.confirmed_at, h.settled_at, h.status,
  extract(epoch FROM h.expires_at - h.held_at)::float8, l.units
FROM (SELECT * FROM reservations.hold WHERE entity_id = ANY(%(entities)s::int[]) AND held_at > %(since)s AND held_at <= %(until)s
  ORDER BY held_at DESC LIMIT %(most)s) h
CROSS JOIN LATERAL (SELECT sum(quantity)::bigint AS units FROM reservations.hold_line WHERE hold_id = h.id) l
ORDER BY h.held_at DESC
"""
PROMISED = """
/* reservations.backtest_promised */
SELECT h.id, h.reference, h.channel_id, m.entity_id, m.from_location_id, m.item_id, i.category_id, i.sku, m.quantity,
  m.from_after, m.floor
FROM (SELECT * FROM stock.movement WHERE recorded_at > %(since)s AND recorded_at <= %(until)s
  AND entity_id = ANY(%(entities)s::int[]) AND kind = 'reserve' ORDER BY recorded_at DESC LIMIT %(most)s) m
JOIN reservations.hold h ON m.trigger = 'hold:' || h.id
JOIN master_data.item i ON i.id = m.item_id
"""
REFUSED = """
/* reservations.backtest_refused */
SELECT r.item_id, r.location_id, r.entity_id, r.channel_id, i.category_id, i.sku, l.code, r.quantity, r.last_refused_at
FROM reservations.refusal r JOIN master_data.item i ON i.id = r.item_id JOIN master_data.location l ON l.id = r.location_id
WHERE r.entity_id = ANY(%(entities)s::int[]) AND r.last_refused_at > %(since)s AND r.last_refused_at <= %(until)s
ORDER BY r.last_refused_at DESC LIMIT %(most)s
"""
THERE = """
/* reservations.backtest_there */
SELECT k.n, coalesce(m.available, 0)
FROM unnest(%s::int[], %s::int[], %s::timestamptz[]) WITH ORDINALITY AS k (item_id, location_id, at, n)
LEFT JOIN LATERAL (
  SELECT CASE WHEN from_location_id = k.location_id AND from_state = 'available' THEN from_after ELSE to_after END AS available
  FROM stock.movement
  WHERE item_id = k.item_id AND recorded_at <= k.at
    AND ((from_location_id = k.location_id AND from_state = 'available')
      OR (to_location_id = k.location_id AND to_state = 'available'))
  ORDER BY id DESC LIMIT 1
) m ON true ORDER BY k.n
"""


def _time_to_live(session: Session, trial: PolicyTrial) -> BacktestResult:
    """Let recorded holds expire by the draft: confirmations that would have come too late, holds let go sooner or later.

    Only holds that took their time from the policy count: those that asked for their own, or were extended, would not
    have been decided otherwise.
    """
    holds = cursor(session).execute(HOLDS, _window(trial, HOLDS_MAX)).fetchall()
    rows: list[BacktestRow] = []
    different = units_different = own = 0
    for hold_id, reference, channel_id, entity_id, held_at, confirmed_at, settled_at, status, life, units in holds:
        where = Where(channel_id=channel_id, entity_id=entity_id)
        if life != trial.live(TTL, where, at=held_at):
            own += 1
            continue
        live, draft = int(trial.live(TTL, where)), int(trial.draft(TTL, where))
        taken = _seconds(held_at, confirmed_at or settled_at)
        age = (trial.until - held_at).total_seconds()
        before, after = (_ending(seconds, taken, age, confirmed_at is not None, status) for seconds in (live, draft))
        if live == draft or before == after:
            continue
        different += 1
        units_different += units
        if len(rows) < trial.rows_max:
            label = f"{reference}: {counted(units, 'unit')}"
            rows.append(BacktestRow(label, f"/reservations/{hold_id}", before, after, units))
    notes = [f"{own} holds asked for their own time, or were extended: nothing changes for them."] if own else []
    notes += [f"The newest {HOLDS_MAX} holds count."] if len(holds) == HOLDS_MAX else []
    return BacktestResult(len(holds), different, tuple(rows), units_different, None, tuple(notes))


def _ending(ttl: int, taken: float | None, age: float, is_confirmed: bool, status: str) -> str:
    """Say how a hold would have ended, or stands, that has so many seconds, given what its channel did and when."""
    if taken is not None and taken <= ttl and (is_confirmed or status != "expired"):
        return "confirmed in time" if is_confirmed else "settled in time"
    return f"expired after {ttl} s" if age > ttl else "still held"


def _buffer(session: Session, trial: PolicyTrial) -> BacktestResult:
    """Ask again for what was promised and for what was last refused, at the stock there was, above the draft's buffer.

    What was on the shelf is what the ledger says: for a promise the balance it left behind, for a refusal the balance
    as it was known then. Of repeated refusals of an item at a location the last one counts.
    """
    promised = cursor(session).execute(PROMISED, _window(trial, HOLDS_MAX)).fetchall()
    refused = cursor(session).execute(REFUSED, _window(trial, REFUSALS_MAX)).fetchall()
    found = [*_lost(trial, promised), *_won(session, trial, refused)]
    notes = [f"The newest {HOLDS_MAX} promises count."] if len(promised) == HOLDS_MAX else []
    notes += [f"The newest {REFUSALS_MAX} refused places count."] if len(refused) == REFUSALS_MAX else []
    units = sum(row.quantity or 0 for row in found)
    amounts = [row.amount_minor for row in found if row.amount_minor is not None]
    if len(amounts) < len(found):
        notes.append(f"The value of a unit is not known for {len(found) - len(amounts)} of them.")
    return BacktestResult(
        len(promised) + len(refused), len(found), tuple(found[: trial.rows_max]), units,
        sum(amounts) if amounts else None, tuple(notes),
    )  # fmt: skip


def _lost(trial: PolicyTrial, promised: Sequence[tuple[Any, ...]]) -> list[BacktestRow]:
    """Return the promises that the draft would have refused."""
    rows = []
    for (
        hold_id,
        reference,
        channel_id,
        entity_id,
        location_id,
        item_id,
        category_id,
        sku,
        quantity,
        left,
        _,
    ) in promised:
        where = Where(item_id, category_id, location_id, channel_id, entity_id)
        live, draft = int(trial.live(BUFFER, where)), int(trial.draft(BUFFER, where))
        if live <= left < draft:
            rows.append(
                BacktestRow(
                    f"{reference}: {quantity} of {sku}", f"/reservations/{hold_id}",
                    f"promised, {left} left above a buffer of {live}", f"refused: {draft} are kept back", int(quantity),
                    _worth(trial, where, int(quantity)),
                )
            )  # fmt: skip
    return rows


def _won(session: Session, trial: PolicyTrial, refused: Sequence[tuple[Any, ...]]) -> list[BacktestRow]:
    """Return the refusals that the draft would have promised, had the live buffer been what stood in the way."""
    candidates = []
    for item_id, location_id, entity_id, channel_id, category_id, sku, code, quantity, at in refused:
        where = Where(item_id, category_id, location_id, channel_id, entity_id)
        live, draft = int(trial.live(BUFFER, where)), int(trial.draft(BUFFER, where))
        if draft < live:
            candidates.append((where, at, sku, code, int(quantity), live, draft))
    items, locations, moments = (
        (int_array(one[0].item_id or 0 for one in candidates), int_array(one[0].location_id or 0 for one in candidates),
         time_array(one[1] for one in candidates))
    )  # fmt: skip
    there = cursor(session).execute(THERE, (items, locations, moments)).fetchall() if candidates else []
    return [
        BacktestRow(
            f"{quantity} of {sku} at {code}", item_page(sku, code),
            f"refused: {available} there, {live} kept back", f"promised: {draft} kept back", quantity,
            _worth(trial, where, quantity),
        )
        for (where, _, sku, code, quantity, live, draft), (_, available) in zip(candidates, there, strict=True)
        if available - live < quantity <= available - draft
    ]  # fmt: skip


def _worth(trial: PolicyTrial, where: Where, units: int) -> int | None:
    """Return what units are worth in minor units, by the policy of the ledger's people; None where nobody said."""
    value = trial.live(UNIT_VALUE, replace(where, location_id=None, channel_id=None))
    return worth(units, value) if isinstance(value, Decimal) and value else None


def _window(trial: PolicyTrial, most: int) -> dict[str, Any]:
    return {"entities": int_array(trial.entities), "since": trial.since, "until": trial.until, "most": most}


def _seconds(since: datetime, until: datetime | None) -> float | None:
    return None if until is None else (until - since).total_seconds()


BACKTESTS = (
    PolicyBacktest("Recorded holds and how they ended", (TTL,), _time_to_live),
    PolicyBacktest("Recorded promises and refusals", (BUFFER,), _buffer),
)
