"""What the database holds in the end, read by plain SQL past all of the code that is judged."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crash.promises import Final

__all__ = ["Balances", "Books", "KeptHold", "read_books"]

Ask = Callable[..., list[tuple[Any, ...]]]
Place = tuple[str, str]
"""(SKU, location)"""
Balances = dict[Place, dict[str, int]]
STATES = (
    "receiving", "available", "reserved", "picked", "packed", "quarantined", "damaged", "customer_returned",
    "vendor_return_pending", "count_pending", "in_transit", "shortage",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeptHold:
    """A hold as the tables have it."""

    id: str
    reference: str
    replaces: str | None
    final: Final
    places: tuple[tuple[str, str, int], ...]
    """(SKU, location, quantity) by line"""


@dataclass(frozen=True)
class Books:
    """Everything the journal is compared with."""

    as_of: datetime
    holds: dict[str, KeptHold]
    by_reference: dict[str, list[KeptHold]]
    """first holds, not those that replace one"""
    keys: dict[str, tuple[int | None, bytes | None]]
    """key → (status, answer)"""
    events: dict[tuple[str, str], tuple[str, str]]
    """(channel, id) → (outcome, body)"""
    conflicts: dict[tuple[str, str], int]
    moved_by_event: dict[tuple[str, str], dict[tuple[str, str], int]]
    """(channel, id) → (SKU, kind) → units"""
    moved_by_hold: dict[str, dict[str, int]]
    """hold → kind → units, by the hold's own doors"""
    order_lines: dict[tuple[str, str, str, str], tuple[int, ...]]
    """(channel, order, line, SKU) → (ordered, cancelled, fulfilled, returned)"""
    balances: Balances
    untold: int
    """standing shortages that no open exception tells of"""


def read_books(ask: Ask) -> Books:
    """Read them, once nothing moves any more."""
    holds = _holds(ask)
    by_reference: dict[str, list[KeptHold]] = defaultdict(list)
    for hold in holds.values():
        if hold.replaces is None:
            by_reference[hold.reference].append(hold)
    moved_by_event: dict[tuple[str, str], dict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    moved_by_hold: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for trigger, sku, kind, units in ask(
        "SELECT m.trigger, i.sku, m.kind, sum(m.quantity)::bigint FROM stock.movement m"
        " JOIN master_data.item i ON i.id = m.item_id GROUP BY 1, 2, 3"
    ):
        what, _, name = trigger.partition(":")
        if what == "event":
            channel, _, event = name.partition("/")
            moved_by_event[channel, event][sku, kind] += units
        elif what == "hold":
            moved_by_hold[name][kind] += units
    return Books(
        as_of=ask("SELECT clock_timestamp()")[0][0],
        holds=holds,
        by_reference=by_reference,
        keys={row[0]: (row[1], row[2]) for row in ask("SELECT key, status, answer FROM onhand.idempotency_key")},
        events={
            (row[0], row[1]): (row[2], row[3])
            for row in ask(
                "SELECT c.code, e.event_id, e.outcome, e.body FROM channels.event e"
                " JOIN channels.channel c ON c.id = e.channel_id"
            )
        },
        conflicts={
            (row[0], row[1]): row[2]
            for row in ask(
                "SELECT c.code, f.event_id, count(*) FROM channels.event_conflict f"
                " JOIN channels.channel c ON c.id = f.channel_id GROUP BY 1, 2"
            )
        },
        moved_by_event=moved_by_event,
        moved_by_hold=moved_by_hold,
        order_lines={
            (row[0], row[1], row[2], row[3]): tuple(row[4:])
            for row in ask(
                "SELECT c.code, o.order_reference, o.line, i.sku, o.ordered, o.cancelled, o.fulfilled, o.returned"
                " FROM channels.order_line o JOIN channels.channel c ON c.id = o.channel_id"
                " JOIN master_data.item i ON i.id = o.item_id"
            )
        },
        balances={
            (row[0], row[1]): {state: units for state, units in zip(STATES, row[2:], strict=True) if units}
            for row in ask(
                f"SELECT i.sku, p.code, {', '.join(f'b.{state}' for state in STATES)} FROM stock.balance b"
                " JOIN master_data.item i ON i.id = b.item_id JOIN master_data.location p ON p.id = b.location_id"
            )
        },
        untold=ask(
            "SELECT count(*) FROM stock.balance b WHERE shortage > 0 AND NOT EXISTS ("
            "SELECT FROM exceptions.exception e JOIN exceptions.evidence v ON v.exception_id = e.id"
            " WHERE e.status = 'open' AND v.kind = 'shortage' AND v.holds"
            " AND e.item_id = b.item_id AND e.location_id = b.location_id)"
        )[0][0],
    )


def _holds(ask: Ask) -> dict[str, KeptHold]:
    lines: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for hold_id, *line in ask(
        "SELECT l.hold_id::text, i.sku, p.code, l.quantity, l.fulfilled, l.released, l.lapsed"
        " FROM reservations.hold_line l JOIN master_data.item i ON i.id = l.item_id"
        " JOIN master_data.location p ON p.id = l.location_id ORDER BY l.hold_id, l.line"
    ):
        lines[hold_id].append(tuple(line))
    return {
        row[0]: KeptHold(
            row[0],
            row[1],
            row[2],
            Final(row[3], tuple((line[3], line[4], line[5]) for line in lines[row[0]])),
            tuple((line[0], line[1], line[2]) for line in lines[row[0]]),
        )
        for row in ask("SELECT id::text, reference, replaces::text, status FROM reservations.hold")
    }
