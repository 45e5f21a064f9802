"""The sender's own account of what the site acknowledged, to hold the site to afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from onhand_demo.events import Event

EventKey = tuple[str, str]
"""A channel and the id of one of its events."""

Span = tuple[float, float]
"""When a request began and ended, on the sender's monotonic clock."""


@dataclass(slots=True)
class Journal:
    """What was sent and what came back. Shared by all senders."""

    taken: dict[EventKey, Event] = field(default_factory=dict)
    """events the site said it has posted, with the body it posted: `duplicate` says so too, after a lost answer"""
    parked: dict[EventKey, Event] = field(default_factory=dict)
    conflicts: set[EventKey] = field(default_factory=set)
    outcomes: Counter[str] = field(default_factory=Counter)
    holds: Counter[str] = field(default_factory=Counter)
    """hold requests by what came of them: held, refused, confirmed, released"""
    complaints: list[str] = field(default_factory=list)
    """answers that should never come"""
    event_spans: list[Span] = field(default_factory=list)
    hold_spans: list[Span] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    """of each posted event, from its occurrence until the site had said so"""
    retries: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def batch(self, events: Sequence[Event], results: Sequence[Mapping[str, object]], span: Span, tries: int) -> None:
        """Note the outcome of each event of a batch, in the order sent."""
        with self._lock:
            self.event_spans.append(span)
            self.retries += tries - 1
            for event, result in zip(events, results, strict=True):
                outcome, key = str(result["outcome"]), (event.channel, event.id)
                self.outcomes[outcome] += 1
                if outcome == "parked":
                    self.parked[key] = event
                elif outcome == "conflict":
                    self.conflicts.add(key)
                elif outcome in ("posted", "duplicate"):
                    self.taken.setdefault(key, event)
                    if outcome == "posted":
                        self.latencies_s.append(event.delay_s + span[1] - span[0])
                else:
                    self.complaints.append(f"event {event.id}: {outcome}: {result.get('problem')}")

    def hold(self, outcome: str, span: Span, tries: int = 1, *, holds: int = 1) -> None:
        """Note what came of a request about holds."""
        with self._lock:
            self.holds[outcome] += holds
            self.retries += tries - 1
            if outcome in ("held", "refused"):
                self.hold_spans.append(span)

    def complain(self, text: str) -> None:
        """Note an answer that breaks the contract."""
        with self._lock:
            self.complaints.append(text)

    @property
    def events(self) -> int:
        """Events answered, repeated ones included."""
        return self.outcomes.total()

    @property
    def events_per_s(self) -> float:
        """Events answered per second of the time in which any batch was under way."""
        return rate(self.events, self.event_spans)

    @property
    def holds_per_s(self) -> float:
        """Hold requests answered, refusals included, per second in which any was under way."""
        return rate(self.holds["held"] + self.holds["refused"], self.hold_spans)


def rate(count: int, spans: Iterable[Span]) -> float:
    """Count per second of the time the spans cover together; overlapping spans count once."""
    busy, until = 0.0, float("-inf")
    for begun, ended in sorted(spans):
        busy += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return count / busy if busy else 0.0
