"""Draining: the relay and a worker in this thread, until nothing is due. For tests, demo and tools."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.jobs.claims import park_exhausted
from onhand.jobs.perform import perform
from onhand.transaction import run

__all__ = ["DrainOverdue", "Drained", "drain"]

WORK_ELSEWHERE_SECONDS = 0.02


class DrainOverdue(Exception):
    """Work was still due when the time given for draining was over."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How many events were handed to observers, and how many jobs ended how."""

    events: int
    done: int
    failed: int
    parked: int


def drain(deadline_seconds: float = 30.0) -> Drained:
    """Relay events and perform jobs here until none is due or in work anywhere; raise DrainOverdue after the deadline.

    A failed job waits for its next try and is not waited for; its count is returned, its error is on the row.
    """
    from onhand.relay import relay  # the relay makes jobs, so it imports this package

    events = 0
    outcomes: Counter[str | None] = Counter()
    until = time.monotonic() + deadline_seconds
    while True:
        handed = relay()
        outcome = perform()
        events += handed
        outcomes[outcome] += 1
        if not handed and outcome is None:
            parked, busy = run(_look, entities=())
            outcomes["parked"] += parked
            if not busy:
                return Drained(events, outcomes["done"], outcomes["failed"], outcomes["parked"])
            time.sleep(WORK_ELSEWHERE_SECONDS)
        if time.monotonic() > until:
            raise DrainOverdue(f"after {deadline_seconds} s: {events} events handed over, jobs {dict(outcomes)}")


def _look(session: Session, now: datetime) -> tuple[int, bool]:
    parked = park_exhausted(session, now=now)
    row = cursor(session).execute(
        "SELECT EXISTS (SELECT FROM onhand.outbox WHERE due_at <= %(now)s)"
        " OR EXISTS (SELECT FROM onhand.job WHERE status = 'running' OR status = 'queued' AND due_at <= %(now)s)",
        {"now": now},
    ).fetchone()  # fmt: skip
    return parked, bool(row and row[0])
