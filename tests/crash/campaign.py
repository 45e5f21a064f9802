"""A run from the first order to the verdict: clients and faults side by side, then healing, draining, judging."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import stamina
from onhand.db import db
from onhand.jobs import DrainOverdue, drain
from onhand.jobs.queue import resend
from onhand.transaction import every_entity, run
from onhand_stock.api import verify
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from crash.books import read_books
from crash.customers import Customer
from crash.facts import Facts
from crash.faults import Faults
from crash.journal import Journal
from crash.judge import Finding, Judge
from crash.stage import Stage
from crash.tills import Till
from crash.wire import Healed, Wire

__all__ = ["Campaign", "Report"]

CUSTOMERS = 12
TILLS = 3
CUSTOMER_THINKS_SECONDS = (0.0, 0.02)
TILL_THINKS_SECONDS = (0.05, 0.4)
SAY_EVERY_SECONDS = 5.0
JUDGING_SECONDS_MAX = 10.0
"""Longer than the shortest holds last, and than a judgement takes; other holds outlast the run."""

_patiently = stamina.RetryingCaller(attempts=10, timeout=60.0).on((psycopg.OperationalError, OperationalError))


@dataclass
class Report:
    """What a run comes to."""

    figures: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_red(self) -> bool:
        """Whether anything acknowledged was lost or doubled, or any law broken."""
        return bool(self.findings)


@dataclass
class Campaign:
    """Everything derives from the seed: what each client asks, and which faults come when.

    `patience_seconds`: how long, once everything is healed, an answer may be missing, or work due without any of it done.
    """

    stage: Stage
    seed: int
    seconds: float
    patience_seconds: float
    is_faulty: bool
    say: Callable[[str], None]
    journal: Journal = field(default_factory=Journal)
    broken: list[BaseException] = field(default_factory=list)
    retried: int = 0

    def __post_init__(self) -> None:
        self.healed = Healed(self.patience_seconds)

    def run(self) -> Report:
        """Run it."""
        started = time.monotonic()
        faults = Faults(self.stage, self.seed, self._said)
        clients = self._clients(started + self.seconds)
        storm = threading.Thread(target=self._guarded(faults.run), name="faults", daemon=True)
        for client in clients:
            client.start()
        if self.is_faulty:
            storm.start()
        self._watch(started)
        if self.is_faulty:
            faults.stop()
            storm.join()
        faults.heal()
        self.stage.wait_ready()
        self.healed.set()
        self._said("healed; waiting for the clients' last answers")
        for client in clients:
            client.join()
        self._settle()
        return self._report(faults, time.monotonic() - started)

    def _clients(self, until: float) -> list[threading.Thread]:
        recent: deque[Facts] = deque(maxlen=200)
        acts: list[tuple[str, Callable[[], None], Wire, Callable[[], float]]] = []
        for number in range(CUSTOMERS + TILLS):
            name = f"c{number}" if number < CUSTOMERS else f"t{number}"
            chance = random.Random(f"{self.seed}/{name}")
            wire = Wire(self.stage.port, self.stage.world, self.journal, self.healed)
            args = (name, wire, self.journal, self.stage.world, chance)
            act = Customer(*args).order if number < CUSTOMERS else Till(*args, recent).send
            thinks = CUSTOMER_THINKS_SECONDS if number < CUSTOMERS else TILL_THINKS_SECONDS
            acts.append((name, act, wire, partial(chance.uniform, *thinks)))

        def go_on(act: Callable[[], None], wire: Wire, thinks: Callable[[], float]) -> None:
            while time.monotonic() < until and not self.broken:
                act()
                time.sleep(thinks())
            wire.close()

        return [
            threading.Thread(target=self._guarded(go_on), args=(act, wire, thinks), name=name, daemon=True)
            for name, act, wire, thinks in acts
        ]

    def _guarded(self, work: Callable[..., None]) -> Callable[..., None]:
        """A fault of the harness itself ends the run, loudly."""

        def guarded(*args: Any) -> None:
            try:
                work(*args)
            except BaseException as error:
                self.broken.append(error)

        return guarded

    def _watch(self, started: float) -> None:
        told = started
        while (now := time.monotonic()) < started + self.seconds and not self.broken:
            if now - told >= SAY_EVERY_SECONDS:
                told = now
                counts = self.journal.outcomes()
                self.say(
                    f"{now - started:4.0f} s  {counts.total():,} commands: {counts['acknowledged']:,} acknowledged, "
                    f"{counts['refused']:,} refused, {counts['unknown']:,} unanswered by now"
                )
            time.sleep(0.1)

    def _said(self, text: str) -> None:
        self.say(f"        {text}")

    def _settle(self) -> None:
        """Let everything due be done: holds expire, events reach their observers, jobs end.

        What falls due while it is judged counts as due, or the judge might look between a hold's time and its end.
        """
        if self.broken:
            raise self.broken[0]
        with self.stage.app.app_context():
            db.engine.dispose()  # what founded the world was cut long since
            waiting, since = self._waiting(), time.monotonic()
            while waiting and time.monotonic() < since + self.patience_seconds:
                with suppress(DrainOverdue):
                    _patiently(drain, self.patience_seconds)
                self.retried += _patiently(lambda: run(lambda s, now: resend(s, None, now=now), entities=()))
                # What failed waits for its next try, minutes perhaps: nothing is gained by waiting with it.
                self.stage.sql("UPDATE onhand.job SET due_at = clock_timestamp() WHERE status = 'queued'")
                before, waiting = waiting, self._waiting()
                since = since if waiting == before else time.monotonic()
            if waiting:
                self.journal.complain(f"(events, jobs, expired holds) {waiting} are still due, and nothing is done")

    def _waiting(self) -> tuple[int, ...]:
        rows = self.stage.sql(
            "SELECT (SELECT count(*) FROM onhand.outbox), (SELECT count(*) FROM onhand.job),"
            " (SELECT count(*) FROM reservations.hold"
            "  WHERE status = 'held' AND expires_at <= clock_timestamp() + make_interval(secs => %s))",
            JUDGING_SECONDS_MAX,
        )
        time.sleep(0.2)
        return tuple(rows[0]) if any(rows[0]) else ()

    def _report(self, faults: Faults, seconds: float) -> Report:
        self._said("judging")
        findings = self._broken_laws()
        findings += Judge(self.journal, read_books(self.stage.sql), self.stage.world).judge()
        counts, kinds = self.journal.outcomes(), [finding.kind for finding in findings]
        log = self.stage.services.postgres_log.read_text(errors="replace")
        figures = {
            "seed": self.seed,
            "seconds": round(seconds),
            "commands": counts.total(),
            "acknowledged": counts["acknowledged"],
            "refused": counts["refused"],
            "unknown": counts["unknown"],
            "by_verb": self.journal.verbs(),
            "unanswered_tries": dict(sorted(self.journal.unanswered.items())),
            "repeats": self.journal.repeats,
            "faults": dict(sorted(faults.kinds.items())),
            "points": len(faults.struck),
            "statements_seen": len(self.stage.proxy.seen),
            "jobs_given_up_and_retried": self.retried,
            "deadlocks": log.count("deadlock detected"),
            "lost": kinds.count("lost"),
            "doubled": kinds.count("doubled"),
            "violations": kinds.count("violation"),
        }
        return Report(figures, findings)

    def _broken_laws(self) -> list[Finding]:
        def check(session: Session, now: datetime) -> list[Any]:
            return verify(session, now=now)

        with self.stage.app.app_context():
            found = _patiently(lambda: run(check, entities=every_entity()))
        return [
            Finding("violation", f"{one.code} {one.name}: {example}")
            for one in found
            for example in (*one.examples, *["…"] * (one.differences - len(one.examples)))
        ]
