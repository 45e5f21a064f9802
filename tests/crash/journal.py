"""The clients' own account of a run: what was asked, what was acknowledged, refused, or never answered."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from crash.facts import Facts, Outcome
from crash.promises import Promise

__all__ = ["Command", "Journal"]


@dataclass(eq=False, slots=True)
class Command:
    """A keyed request: the same bytes under the same key, however often it is sent."""

    verb: str
    key: str
    path: str
    body: bytes
    reference: str
    outcome: Outcome = "unknown"
    status: int = 0
    answer: bytes = b""


@dataclass
class Journal:
    """Shared by all clients."""

    commands: list[Command] = field(default_factory=list)
    events: dict[tuple[str, str], Facts] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """answers that should never come"""
    unanswered: Counter[str] = field(default_factory=Counter)
    """tries without an answer, by how they ended"""
    repeats: int = 0
    """requests sent again though they had been answered"""
    lock: Lock = field(default_factory=Lock)

    def begin(self, command: Command) -> None:
        """Note a request before it is sent."""
        with self.lock:
            self.commands.append(command)

    def plan(self, event: Facts) -> None:
        """Note an event before it is sent. Twice is harmless."""
        with self.lock:
            self.events[event.channel, event.id] = event

    def promise(self, promise: Promise) -> None:
        """Note what was promised."""
        with self.lock:
            self.promises.append(promise)

    def complain(self, text: str) -> None:
        """Note an answer that breaks the contract."""
        with self.lock:
            self.complaints.append(text)

    def missed(self, how: str) -> None:
        """Note a try that got no answer."""
        with self.lock:
            self.unanswered[how] += 1

    def told(self, event: Facts, result: dict[str, Any], *, is_original: bool) -> None:
        """Note the outcome of one event of a batch; another body under its id is expected to be a conflict."""
        outcome = str(result["outcome"])
        with self.lock:
            if result.get("id") != event.id:
                self.complaints.append(f"event {event.id} was answered as {result.get('id')!r}")
            elif not is_original:
                event.conflicts += 1
                if outcome != "conflict":
                    self.complaints.append(f"event {event.id}: another body was {outcome}")
            elif outcome in {"duplicate", "posted" if event.is_understood else "parked"}:
                event.outcome = "acknowledged"
                event.told.add(outcome)
            else:
                self.complaints.append(f"event {event.id} was {outcome}: {result.get('problem')}")

    def outcomes(self) -> Counter[str]:
        """Count commands and events by what became of them."""
        with self.lock:
            asked = (*self.commands, *self.events.values())
            return Counter(one.outcome for one in asked)

    def verbs(self) -> dict[str, dict[str, int]]:
        """Count the same by what was asked."""
        found: dict[str, Counter[str]] = {}
        with self.lock:
            for command in self.commands:
                found.setdefault(command.verb, Counter())[command.outcome] += 1
            for event in self.events.values():
                found.setdefault(event.type, Counter())[event.outcome] += 1
        return {verb: dict(counts) for verb, counts in sorted(found.items())}
