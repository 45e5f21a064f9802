"""A twin of the suite in memory, as it is often built: to see that the stories find what is wrong with it.

Without a flaw it keeps its book as the audit thinks a book is kept, and the stories find nothing. Each flaw is one that
is met in shops: it must be found, and by the rule that forbids it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from scenarios.asks import (
    Answer,
    Ask,
    Confirm,
    Count,
    Done,
    Fulfil,
    Granted,
    Hold,
    Position,
    Refused,
    Release,
    Seen,
    Tell,
    Told,
)
from scenarios.doors import Book, Inboxed, Record
from scenarios.plot import SLOT_MINUTES
from scenarios.story import STORE

__all__ = ["FLAWS", "Naive"]

FLAWS = {
    "lets stock go negative": "promised twice",
    "promises from a copy of the stock": "promised twice",
    "keeps the last one back": "refused what was there",
    "shows less than nothing": "a state below zero",
    "hands over twice": "promise ended twice",
    "loses what is told late": "shelf and book differ, and nobody knows",
    "cries wolf": "exception without conflict",
    "tells half of it": "exception tells another story",
    "forgets promises": "promises not kept",
    "the last write wins": "book is not what was told",
    "posts what it is told twice": "book is not what was told",
    "takes what is told for new": "book is not what was told",
    "never lets a promise expire": "promise left open",
    "tells nobody": "not exactly one exception",
    "tells everything apart": "not exactly one exception",
    "tells no one in particular": "exception without owner",
    "closes what is not over": "exception closed too soon",
    "doubts no count": "book was not what was counted, and nobody was told",
}
OUT = {"sale": -1, "shipment": -1, "receipt": 1}
STEP_SECONDS = 20
LATE = timedelta(hours=1)


@dataclass
class Promised:
    sku: str
    expires_at: datetime
    status: str = "held"
    order: str = ""
    fulfilled: int = 0


@dataclass
class Row:
    """An item: its facts by when they occurred, and its last count; or, with a flaw, a number that is overwritten."""

    facts: list[tuple[datetime, int]] = field(default_factory=list)
    counted: tuple[datetime, int] | None = None
    written: int = 0
    copied: int = 0
    kinds: list[str] = field(default_factory=list)


class Naive:
    """A world in memory with one flaw, or with none."""

    manager = 1

    def __init__(self, flaw: str | None = None) -> None:
        assert flaw is None or flaw in FLAWS
        self.flaw = flaw
        self.opened = self.now = datetime.now(UTC)
        self.rows: dict[str, Row] = {}
        self.holds: dict[int, Promised] = {}
        self.delivered: set[str] = set()
        self._numbers = count(1)

    def stock(self, how_many: int) -> list[str]:
        skus = [f"TWIN-{next(self._numbers):05}" for _ in range(how_many)]
        self.rows |= {sku: Row() for sku in skus}
        return skus

    def moment(self, slot: int, rank: int) -> datetime:
        self.now = self.opened + timedelta(minutes=slot * SLOT_MINUTES, seconds=rank * STEP_SECONDS)
        return self.now

    def clock(self) -> datetime:
        return self.now

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        return [self._answer(ask) for ask in asks]

    def sweep(self) -> datetime:
        if self.flaw != "never lets a promise expire":
            for hold in self.holds.values():
                if hold.status == "held" and hold.expires_at <= self.now:
                    hold.status = "expired"
        return self.now

    def settle(self) -> None:
        for sku, row in self.rows.items():
            row.copied = self._on_hand(row) - self._reserved(sku)

    def close(self) -> None:
        self.settle()

    def books(self, skus: Sequence[str]) -> Mapping[str, Book]:
        return {sku: self._book(sku) for sku in skus}

    def records(self, skus: Sequence[str]) -> Mapping[str, Record]:
        return {sku: self._record(sku) for sku in skus}

    def _answer(self, ask: Ask) -> Answer:
        match ask:
            case Hold():
                return self._hold(ask)
            case Confirm():
                return self._settle(ask.hold, "confirmed")
            case Release():
                return self._settle(ask.hold, "released")
            case Fulfil():
                self._happens(self.holds[ask.hold].sku, self.now, -1, own=ask.hold)
                return self._settle(ask.hold, "fulfilled")
            case Tell():
                return Told(tuple(self._tell(event) for event in ask.events))
            case Position():
                return Seen(None)
            case Count():
                return self._count(ask)

    def _hold(self, ask: Hold) -> Answer:
        row = self.rows[ask.sku]
        self.sweep()
        free = self._on_hand(row) - self._reserved(ask.sku)
        if self.flaw == "promises from a copy of the stock":
            free = row.copied
        free -= self.flaw == "keeps the last one back"
        if free < 1 and self.flaw != "lets stock go negative":
            row.kinds.append("reservation_refused")
            return Refused("OutOfStock")
        number = next(self._numbers)
        self.holds[number] = Promised(ask.sku, self.now + timedelta(seconds=ask.ttl_seconds), order=ask.reference)
        return Granted(number, self.holds[number].expires_at)

    def _settle(self, number: int, status: str) -> Answer:
        hold = self.holds[number]
        if hold.status == "expired" or (hold.status == "held" and hold.expires_at <= self.now):
            return Refused("expired")
        hold.status = "expired" if self.flaw == "forgets promises" and status == "confirmed" else status
        if status == "fulfilled":
            hold.fulfilled += 2 if self.flaw == "hands over twice" else 1
        return Done()

    def _tell(self, event: dict[str, Any]) -> str:
        known = event["id"] in self.delivered
        self.delivered.add(event["id"])
        noun = event["type"].split(".")[1]
        if noun in OUT and (not known or self.flaw == "posts what it is told twice"):
            data = event["data"]
            [line] = data["lines"]
            number = self._hold_of(data.get("order")) if noun == "shipment" else None
            at = datetime.fromisoformat(event["time"])
            if self.flaw == "loses what is told late" and self.now - at > LATE:
                return "posted"
            self._happens(line["sku"], at, OUT[noun] * line["quantity"], own=number)
            if number is not None:
                self._settle(number, "fulfilled")
        return "duplicate" if known else "posted"

    def _hold_of(self, order: str | None) -> int | None:
        return next((n for n, hold in self.holds.items() if hold.order == order and hold.status == "confirmed"), None)

    def _happens(self, sku: str, at: datetime, units: int, *, own: int | None) -> None:
        row = self.rows[sku]
        before = min(self._on_hand(row) - self._reserved(sku), 0)
        row.facts.append((self.now if self.flaw == "takes what is told for new" else at, units))
        row.written += units
        own_unit = 0 if own is None else 1
        if self._on_hand(row) - self._reserved(sku) + own_unit < before:
            row.kinds.append("shortage")

    def _count(self, ask: Count) -> Answer:
        row = self.rows[ask.sku]
        before = min(self._on_hand(row) - self._reserved(ask.sku), 0)
        if row.counted is None or row.counted[0] < ask.counted_at:
            row.counted = (ask.counted_at, ask.counted)
        row.written = ask.counted
        if self._on_hand(row) - self._reserved(ask.sku) < before:
            row.kinds.append("shortage")
        return Done()

    def _on_hand(self, row: Row) -> int:
        if self.flaw in {"the last write wins", "doubts no count"}:
            return row.written
        if row.counted is None:
            return sum(units for _, units in row.facts)
        return row.counted[1] + sum(units for at, units in row.facts if at >= row.counted[0])

    def _reserved(self, sku: str) -> int:
        return sum(hold.sku == sku and hold.status in {"held", "confirmed"} for hold in self.holds.values())

    def _book(self, sku: str) -> Book:
        on_hand, reserved = self._on_hand(self.rows[sku]), self._reserved(sku)
        if self.flaw == "shows less than nothing":
            return Book(on_hand - reserved, reserved, 0)
        return Book(max(on_hand - reserved, 0), reserved, max(reserved - on_hand, 0))

    def _record(self, sku: str) -> Record:
        kinds = self.rows[sku].kinds
        owner = None if self.flaw == "tells no one in particular" else self.manager
        is_open = self.flaw != "closes what is not over"
        shortages = ("a document",) * kinds.count("shortage")
        named = kinds[:1] if self.flaw == "tells half of it" else kinds
        whole = Inboxed(is_open, owner, (sku, STORE), frozenset(named), len(named), shortages)
        apart = [Inboxed(is_open, owner, (sku, STORE), frozenset({kind}), 1, shortages[:1]) for kind in kinds]
        told = apart if self.flaw == "tells everything apart" else [whole] if kinds or self.flaw == "cries wolf" else []
        holds = tuple((hold.status, hold.fulfilled) for hold in self.holds.values() if hold.sku == sku)
        return Record(() if self.flaw == "tells nobody" else tuple(told), holds, shortages)
