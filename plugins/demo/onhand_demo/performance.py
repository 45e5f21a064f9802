"""One run from the first delivery to the verdict, on a founded site that is up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from statistics import quantiles

import psycopg
import stamina
from onhand.jobs import drain
from onhand.transaction import every_entity, run
from onhand_channels.api import Outcome, channels_of
from onhand_channels.api import replay as replay_parked
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from onhand_demo import sheets
from onhand_demo.expectation import Expectation
from onhand_demo.founding import BY, Founded, bring_in
from onhand_demo.inbox import raised
from onhand_demo.journal import Journal
from onhand_demo.result import KINDS, Figures
from onhand_demo.sender import replay
from onhand_demo.shelves import closing
from onhand_demo.stream import Batch, Stream, Wave
from onhand_demo.verdict import ledger_differences
from onhand_demo.world import World

SETTLED_WITHIN_S = 60.0
KINDS_WITHIN_S = 60.0


@dataclass
class Performance:
    """A stream on its way through a site, and what came of it."""

    world: World
    stream: Stream
    founded: Founded
    base_url: str
    senders: int
    seed: int
    console: Console
    opening: Journal = field(default_factory=Journal)
    journal: Journal = field(default_factory=Journal)
    reports: Journal = field(default_factory=Journal)
    off: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """what stores report wrongly, by location code and SKU"""
    replayed: Counter[str] = field(default_factory=Counter)
    exceptions: dict[str, int] = field(default_factory=dict)
    differences: Sequence[str] = ()

    def play(self) -> None:
        """Deliver opening stock, replay the stream, enter what was withheld, try what is parked, ask the inbox."""
        with self._progress("deliveries", self.stream.opening) as told:
            self._send(self.stream.opening, self.opening, told)
        with self._progress("tills and orders", self.stream.tasks) as told:
            self._send(self.stream.tasks, self.journal, told)
        with self.console.status("letting jobs finish"):
            _patiently(drain, SETTLED_WITHIN_S)
        with self.console.status("entering withheld products and trying parked events again"):
            _patiently(self._mend)
            _patiently(drain, SETTLED_WITHIN_S)
        with self.console.status("hearing what the stores have on their shelves"):
            self._hear_shelves()
            _patiently(drain, SETTLED_WITHIN_S)
        with self.console.status("waiting for every kind of exception"):
            self._ask_inbox()
        with self.console.status("verifying the ledger"):
            self.differences = _patiently(ledger_differences)

    @property
    def figures(self) -> Figures:
        """The numbers of the run."""
        latencies = quantiles(self.journal.latencies_s, n=20) if len(self.journal.latencies_s) > 1 else [0.0] * 19
        return Figures(
            events_per_s=round(self.journal.events_per_s, 1),
            holds_per_s=round(self.journal.holds_per_s, 1),
            refused=self.journal.holds["refused"],
            duplicates=self.opening.outcomes["duplicate"] + self.journal.outcomes["duplicate"],
            latency_p50_s=round(latencies[9], 3),
            latency_p95_s=round(latencies[18], 3),
            exceptions=self.exceptions,
            verify_differences=len(self.differences),
        )

    @property
    def facts(self) -> dict[str, object]:
        """What people want to know of the run, besides the promises."""
        stream, journal, figures = self.stream, self.journal, self.figures
        return {
            "stores, distribution centres": f"{len(self.world.stores)}, {len(self.world.centres)}",
            "real baskets": len(self.world.baskets),
            "orders (promised)": f"{len(stream.orders)} ({sum(order.promised for order in stream.orders)})",
            "events delivered": journal.events,
            "delivered twice, shuffled, late, altered": (
                f"{stream.duplicated:,}, {stream.shuffled:,}, {stream.late:,}, {stream.altered:,}"
            ),
            "events per second": figures.events_per_s,
            "holds per second": figures.holds_per_s,
            "holds made, refused": f"{journal.holds['held']:,}, {journal.holds['refused']:,}",
            "events parked, posted after mending": f"{len(journal.parked):,}, {self.replayed['posted']:,}",
            "latency p50, p95 (s)": f"{figures.latency_p50_s:,.1f}, {figures.latency_p95_s:,.1f}",
            "stores' own numbers (wrong)": (
                f"{sum(len(event.data['lines']) for event in self.reports.taken.values()):,} ({len(self.off):,})"
            ),
            "requests tried again": self.opening.retries + journal.retries,
            **{f"exceptions: {kind}": count for kind, count in self.exceptions.items()},
        }

    def _send(self, tasks: Sequence[Batch | Wave], journal: Journal, told: Callable[[int], None]) -> None:
        replay(
            tasks,
            base_url=self.base_url,
            tokens=self.founded.tokens,
            senders=self.senders,
            journal=journal,
            progress=told,
        )

    def _mend(self) -> None:
        bring_in("items", *sheets.items(self.world, self.world.mended))
        for entity_id in every_entity():
            outcomes = run(_try_parked(entity_id), entities=[entity_id])
            self.replayed.update(outcome.outcome for outcome in outcomes)

    def _hear_shelves(self) -> None:
        """Let each store report its shelves by what the senders know to be there, some of it wrongly."""
        there = Expectation(self.world).of(self.opening, self.journal)
        plan = closing(self.world, there, self.seed)
        self.off = plan.off
        self._send(plan.batches, self.reports, lambda _: None)

    def _ask_inbox(self) -> None:
        """Overdue holds and late facts are found by the clock, so the last kinds may take some seconds."""
        until = time.monotonic() + KINDS_WITHIN_S
        while True:
            self.exceptions = raised(self.base_url, self.founded.auditor)
            if all(self.exceptions.get(kind) for kind in KINDS) or time.monotonic() > until:
                return
            time.sleep(0.5)

    @contextmanager
    def _progress(self, what: str, tasks: Sequence[Batch | Wave]) -> Iterator[Callable[[int], None]]:
        total = sum(len(task.envelopes if isinstance(task, Batch) else task.orders) for task in tasks)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            bar = progress.add_task(what, total=total)
            yield lambda done: progress.advance(bar, done)


_patiently = stamina.RetryingCaller(attempts=10, timeout=60.0).on((psycopg.OperationalError, OperationalError))
"""Calls again what met a database that had just been killed; everything called so is harmless twice."""


def _try_parked(entity_id: int) -> Callable[[Session, datetime], list[Outcome]]:
    """A command that tries every parked event of an entity's channels again."""

    def command(session: Session, now: datetime) -> list[Outcome]:
        channels = channels_of(session, [entity_id])
        return [outcome for channel in channels for outcome in replay_parked(session, channel, None, by=BY, now=now)]

    return command
