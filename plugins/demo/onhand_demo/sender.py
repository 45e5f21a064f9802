"""Replays a stream over HTTP: several senders take the next task in time order, as a retailer's gateways do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from time import monotonic

from onhand_demo.journal import Journal
from onhand_demo.stream import Batch, Sendable, Wave
from onhand_demo.waves import Desk
from onhand_demo.wire import Crowd, Wire

CUSTOMERS = 16
"""How many people order at the same time."""

EVENTS_PATH = "/api/v1/events"

Progress = Callable[[int], None]
"""Told how many events or orders were just done."""


class Sender:
    """One gateway: one connection, one task at a time."""

    def __init__(self, wire: Wire, crowd: Crowd, tokens: dict[str, str], journal: Journal, stamping: Lock) -> None:
        self._wire = wire
        self._tokens = tokens
        self._journal = journal
        self._stamping = stamping
        self._desk = Desk(crowd, tokens, journal, self.post_events)

    def do(self, task: Batch | Wave) -> int:
        """Send a batch, or see a wave of orders through; how many events or orders that was."""
        if isinstance(task, Wave):
            self._desk.take(task.orders)
            return len(task.orders)
        self.post_events(task.channel, task.envelopes)
        return len(task.envelopes)

    def post_events(self, channel: str, envelopes: Sequence[Sendable]) -> None:
        """Send events of one channel in one request and note each outcome.

        The lock keeps two senders from giving one event, delivered twice, two different times.
        """
        with self._stamping:
            now = datetime.now(UTC)
            body = b"[" + b",".join([each.stamped(now) for each in envelopes]) + b"]"
        begun = monotonic()
        answer = self._wire.post(EVENTS_PATH, body, token=self._tokens[channel])
        span = (begun, monotonic())
        if answer.status != 200:
            self._journal.complain(f"batch of {len(envelopes)} for {channel}: {answer.problem}")
            return
        events = [each.event for each in envelopes]
        self._journal.batch(events, answer.body["results"], span, answer.tries)


def _in_silence(_done: int) -> None:
    """Progress for nobody."""


def replay(
    tasks: Sequence[Batch | Wave],
    *,
    base_url: str,
    tokens: dict[str, str],
    senders: int,
    journal: Journal,
    progress: Progress = _in_silence,
) -> None:
    """Send everything; returns when every task was answered. Each task is started in order, by any free sender."""
    waiting, taking, stamping = iter(tasks), Lock(), Lock()

    def next_tasks() -> Iterator[Batch | Wave]:
        while True:
            with taking:
                task = next(waiting, None)
            if task is None:
                return
            yield task

    def work() -> None:
        with Wire(base_url) as wire:
            sender = Sender(wire, crowd, tokens, journal, stamping)
            for task in next_tasks():
                progress(sender.do(task))

    with Crowd(base_url, CUSTOMERS) as crowd, ThreadPoolExecutor(senders, thread_name_prefix="sender") as pool:
        for done in [pool.submit(work) for _ in range(senders)]:
            done.result()
