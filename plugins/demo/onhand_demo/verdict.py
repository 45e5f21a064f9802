"""The verdict on a run: the site's own books against the sender's account, and against themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from onhand.events import Cause
from onhand.transaction import every_entity, run
from onhand_channels.api import standing_gaps
from onhand_master_data.api import items_by_id, locations_by_code
from onhand_stock.api import balances, verify
from sqlalchemy.orm import Session

from onhand_demo.expectation import Expectation, unanswered
from onhand_demo.journal import Journal
from onhand_demo.result import KINDS, Promise
from onhand_demo.stream import Stream
from onhand_demo.world import World

if TYPE_CHECKING:
    from onhand_demo.performance import Performance

BALANCES_MAX = 1_000_000
DEADLOCK = "deadlock detected"


def ledger_differences() -> list[str]:
    """What `onhand ledger verify` finds, one line per broken law and example."""
    findings = run(lambda session, now: verify(session, now=now), entities=every_entity())
    return [
        f"{found.code} {found.name}: {example}"
        for found in findings
        for example in (*found.examples, *["…"] * (found.differences - len(found.examples)))
    ]


def promises(performance: Performance, *, postgres_log: Path | None) -> list[Promise]:
    """Everything the run must have kept."""
    opening, journal = performance.opening, performance.journal
    expected = Expectation(performance.world).of(opening, journal)
    lost = sorted(unanswered(performance.stream, opening, journal))
    missing = [kind for kind in KINDS if not performance.exceptions.get(kind)]
    return [
        Promise(
            "every request got an answer the contract knows",
            [*opening.complaints, *journal.complaints, *performance.reports.complaints],
        ),
        Promise("every event sent was kept", [f"{channel}/{name}" for channel, name in lost]),
        Promise(
            "what is on hand is what the senders were told was posted",
            list(differences(expected, on_hand(performance.world))),
        ),
        Promise("the ledger verifies", performance.differences),
        Promise(
            "each number that a store has wrong was found, and no other",
            list(misjudged(performance.off, gaps_found())),
        ),
        Promise("an event delivered again moved nothing", repeats(performance.stream, journal)),
        Promise("every kind of exception occurred", [f"{kind} never did" for kind in missing]),
        Promise("no deadlock in the database's log", deadlocks(postgres_log)),
    ]


def gaps_found() -> dict[tuple[str, str], int]:
    """What the site finds wrong with stores' own numbers, by (location code, SKU): theirs less what is there."""
    found: dict[tuple[str, str], int] = {}
    for entity_id in every_entity():
        causes = run(partial(_gaps_of, entity_id), entities=[entity_id])
        said = [cause.evidence for cause in causes]
        found |= {(each["location"], each["sku"]): each["difference"] for each in said}
    return found


def _gaps_of(entity_id: int, session: Session, now: datetime) -> list[Cause]:
    return standing_gaps(session, entity_id, now=now)


def misjudged(off: Mapping[tuple[str, str], int], found: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Say which wrong numbers were missed, and which right ones were taken for wrong."""
    for place in sorted(off.keys() | found.keys()):
        want, have = off.get(place, 0), found.get(place, 0)
        if want != have:
            yield f"{place[1]} at {place[0]}: off by {have}, says the site; by {want}, in truth"


def on_hand(world: World) -> dict[tuple[str, str], int]:
    """What the site says is on hand, by (location code, SKU); zeroes left out."""

    def command(session: Session, _: datetime) -> dict[tuple[str, str], int]:
        places = locations_by_code(session, [location.code for location in world.locations])
        codes = {place.id: code for code, place in places.items()}
        rows = [
            row
            for place in places.values()
            for row in balances(session, every, location_ids=[place.id], limit=BALANCES_MAX)
        ]
        items = items_by_id(session, list({row.item_id for row in rows}))
        return {(codes[row.location_id], items[row.item_id].sku): row.on_hand for row in rows if row.on_hand}

    every = every_entity()
    return run(command, entities=every)


def differences(expected: Mapping[tuple[str, str], int], found: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Say where the book and the sender's account part."""
    for place in sorted(expected.keys() | found.keys()):
        want, have = expected.get(place, 0), found.get(place, 0)
        if want != have:
            yield f"{place[1]} at {place[0]}: {have} on hand, {want} by the senders' account"


def repeats(stream: Stream, journal: Journal) -> Sequence[str]:
    """Say if repeated deliveries were not answered `duplicate`, or altered ones not `conflict`.

    A request that was tried again may add duplicates, so there may be more of those than were planned.
    """
    wrong = []
    if journal.outcomes["duplicate"] < stream.duplicated:
        wrong.append(f"{stream.duplicated} were repeated, {journal.outcomes['duplicate']} answered as duplicates")
    if len(journal.conflicts) != stream.altered:
        wrong.append(f"{stream.altered} were altered, {len(journal.conflicts)} answered as conflicts")
    return wrong


def deadlocks(log: Path | None) -> Sequence[str]:
    """Return the lines of the database's log that tell of a deadlock."""
    if log is None:
        return ()
    with log.open(errors="replace") as lines:
        return [line.strip() for line in lines if DEADLOCK in line]
