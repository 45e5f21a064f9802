"""Reading the whole ledger, and asking what was so at a time."""

import random
import time
from collections.abc import Iterator

from onhand.transaction import run as transact
from onhand_stock.queries import as_of
from onhand_stock.services import verify as verify_books

from bench import threads
from bench.measure import Figure, Plan, Run, alternate, figure
from bench.stage import Stage

__all__ = ["asof", "check", "verify"]

ASOF_CALLERS = 8
LATE = {"holds_expire_in_time", "nothing due waits"}
"""Laws that want a scheduler and a worker, which only the arm `expire` runs."""


def verify(place: Stage, plan: Plan) -> Iterator[Figure]:
    """Check every invariant over all that the arms before have written; operations are ledger entries."""
    [(entries,)] = place.sql("SELECT count(*) FROM stock.movement")
    place.sql("VACUUM ANALYZE")
    sides = alternate(plan, lambda _: place.raw.add_up(entries), lambda _: check(place, entries))
    yield figure("verify", 1, *sides, note=f"{entries:,} ledger entries; raw adds them up once")


def check(place: Stage, entries: int) -> Run:
    """Verify the books once; RuntimeError when they do not agree."""
    started = time.perf_counter()
    findings = transact(lambda session, now: verify_books(session, now=now), entities=[place.entity_id])
    took = time.perf_counter() - started
    wrong = {one.name: one.examples for one in findings if one.differences and one.name not in LATE}
    if wrong:
        raise RuntimeError(f"the books do not agree: {wrong}")
    return Run(entries, took, [took])


def asof(place: Stage, plan: Plan) -> Iterator[Figure]:
    """Ask what an item's balances were at a time, at every location: summed from the ledger, on both sides."""
    [(middle,)] = place.sql("SELECT min(recorded_at) + (max(recorded_at) - min(recorded_at)) / 2 FROM stock.movement")

    def call(_: int, __: int) -> None:
        item_ids = [random.choice(place.item_ids)]
        transact(
            lambda session, _: as_of(session, item_ids, place.location_ids, at=middle, known_at=middle),
            entities=[place.entity_id],
        )

    for callers in plan.callers_of((ASOF_CALLERS,)):
        sides = alternate(
            plan,
            lambda seconds, n=callers: place.raw.as_of(n, seconds, middle),
            lambda seconds, n=callers: threads.drive(place.app, n, seconds, call),
        )
        yield figure("asof", callers, *sides, note="by the verb, in the process")
