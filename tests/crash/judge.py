"""The judge: the journal against the books. Every acknowledged effect is there once, no refused one, nothing else."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal

from crash.books import Balances, Books, KeptHold
from crash.facts import Facts
from crash.journal import Command, Journal
from crash.promises import Promise
from crash.world import World

__all__ = ["Finding", "Judge"]

KINDS = {"sale": "sale", "shipment": "ship", "receipt": "receipt", "return": "return_receipt"}
COLUMNS = {"order": 0, "cancellation": 1, "shipment": 2, "return": 3}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as acknowledged."""

    kind: Literal["lost", "doubled", "violation"]
    what: str


@dataclass
class Judge:
    """Compares once; `findings` is what it found."""

    journal: Journal
    books: Books
    world: World
    findings: list[Finding] = field(default_factory=list)

    def judge(self) -> list[Finding]:
        """Compare everything."""
        for text in self.journal.complaints:
            self._find("violation", text)
        for command in self.journal.commands:
            self._judge_key(command)
            if command.verb == "hold":
                self._judge_wish(command)
        kept = [self._judge_promise(promise) for promise in self.journal.promises]
        strays = self._strays()
        for event in self.journal.events.values():
            self._judge_event(event)
        self._judge_order_lines()
        self._judge_balances(kept, strays)
        if self.books.untold:
            self._find("lost", f"{self.books.untold} standing shortages were told to nobody")
        return self.findings

    def _find(self, kind: Literal["lost", "doubled", "violation"], what: str) -> None:
        self.findings.append(Finding(kind, what))

    def _count(self, what: str, expected: int, found: int) -> None:
        if found < expected:
            self._find("lost", f"{what}: {found} of {expected}")
        elif found > expected:
            self._find("doubled", f"{what}: {found} instead of {expected}")

    def _judge_key(self, command: Command) -> None:
        """The answer is kept with its effect, byte for byte."""
        if command.outcome == "unknown":
            return
        kept = self.books.keys.get(command.key)
        if kept is None:
            self._find("lost", f"key {command.key}, answered {command.status}, is unknown")
        elif kept != (command.status, command.answer):
            self._find(
                "violation", f"key {command.key}: {kept[0]} is kept, {command.status} was answered, or other bytes"
            )

    def _judge_wish(self, command: Command) -> None:
        """One hold for a wish that was granted, none for one that was refused, at most one for one not answered."""
        found = len(self.books.by_reference.get(command.reference, ()))
        if command.outcome == "acknowledged":
            self._count(f"holds of {command.reference}", 1, found)
        elif command.outcome == "refused" and found:
            self._find("violation", f"{command.reference} was refused, and held")
        elif found > 1:
            self._count(f"holds of {command.reference}", 1, found)

    def _judge_promise(self, promise: Promise) -> Promise:
        """Return what the promise turned out to be, of all that it may be."""
        kept = self.books.holds.get(promise.id)
        if kept is None:
            self._find("lost", f"hold {promise.id} of {promise.reference}")
            return promise
        as_of = self.books.as_of
        if kept.places != tuple((line.sku, line.location, line.quantity) for line in promise.lines):
            self._find("violation", f"hold {promise.id} promises something else: {kept.places}")
        for one in (promise, *promise.alternatives):
            if one.final(as_of) == kept.final:
                self._judge_movements(one)
                return one
        expected = promise.final(as_of)
        ended = sum(sum(line[:2]) for line in kept.final.lines) - sum(sum(line[:2]) for line in expected.lines)
        kind: Literal["lost", "doubled", "violation"] = "lost" if ended < 0 else "doubled" if ended > 0 else "violation"
        self._find(kind, f"hold {promise.id} of {promise.reference} is {kept.final}, not {expected}")
        return promise

    def _judge_movements(self, promise: Promise) -> None:
        moved = self.books.moved_by_hold.get(promise.id, {})
        final = promise.final(self.books.as_of)
        expected = {
            "reserve": sum(line.quantity for line in promise.lines),
            "release": sum(released for _, released, _ in final.lines),
            "ship": sum(line.fulfilled - line.shipped for line in promise.lines),
        }
        for kind, units in expected.items():
            self._count(f"{kind} of hold {promise.id}", units, moved.get(kind, 0))

    def _strays(self) -> list[KeptHold]:
        """Return holds of wishes whose answer nobody knows; every other hold that is not in the journal is a finding."""
        known = {promise.id for promise in self.journal.promises}
        asked = {one.reference for one in self.journal.commands if one.verb == "hold" and one.outcome == "unknown"}
        extended = {
            one.path.split("/")[4] for one in self.journal.commands if one.verb == "extend" and one.outcome == "unknown"
        }
        strays = []
        for hold in self.books.holds.values():
            if hold.id in known:
                continue
            strays.append(hold)
            if hold.reference not in asked and hold.replaces not in extended:
                self._find("doubled", f"hold {hold.id} of {hold.reference} was told to nobody")
        for key in self.books.events.keys() - self.journal.events.keys():
            self._find("violation", f"event {key} was sent by nobody")
        return strays

    def _judge_event(self, event: Facts) -> None:
        name = (event.channel, event.id)
        outcome, body = self.books.events.get(name, ("", ""))
        if not outcome:
            if event.outcome == "acknowledged":
                self._find("lost", f"event {name}")
            event.is_understood = False
        elif body.encode() != event.body:
            self._find("lost", f"event {name} has another body than the one that was acknowledged")
        elif (outcome == "posted") != event.is_understood:
            self._find("violation", f"event {name} is {outcome}")
        if event.conflicts and not self.books.conflicts.get(name):
            self._find("lost", f"another body of event {name} was a conflict, and is not kept")
        kind = KINDS.get(event.type)
        expected: Counter[str] = Counter()
        if kind and event.is_understood:
            for _, sku, units in event.lines:
                expected[sku] += units
        moved: Counter[str] = Counter()
        for (sku, found), units in self.books.moved_by_event.get(name, {}).items():
            if found in KINDS.values():
                moved[sku] += units if found == kind else 1_000_000
        for sku in expected.keys() | moved.keys():
            self._count(f"{sku} of event {name}", expected[sku], moved[sku])

    def _judge_order_lines(self) -> None:
        expected: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for event in self.journal.events.values():
            if event.order is None or not event.is_understood:
                continue
            for line, sku, units in event.lines:
                expected[event.channel, event.order, line, sku][COLUMNS[event.type]] += units
        for key in expected.keys() | self.books.order_lines.keys():
            found = self.books.order_lines.get(key, (0, 0, 0, 0))
            for expects, has in zip(expected[key], found, strict=True):
                self._count(f"facts of order line {key}", expects, has)

    def _judge_balances(self, kept: list[Promise], strays: list[KeptHold]) -> None:
        """Every balance, in every state, from what was acknowledged alone, and from nothing in the ledger."""
        simulated = self._simulate(kept, strays)
        for place in simulated.keys() | self.books.balances.keys():
            found, expected = self.books.balances.get(place, {}), simulated.get(place, {})
            if found != expected:
                self._find("violation", f"{place} is {found}, and by the journal {expected}")

    def _simulate(self, kept: list[Promise], strays: list[KeptHold]) -> Balances:
        net: Counter[tuple[str, str]] = Counter(self.world.opening)
        reserved: Counter[tuple[str, str]] = Counter()
        returned: Counter[tuple[str, str]] = Counter()
        for promise in kept:
            final = promise.final(self.books.as_of)
            for line, (fulfilled, released, _) in zip(promise.lines, final.lines, strict=True):
                reserved[line.sku, line.location] += line.quantity - fulfilled - released
                net[line.sku, line.location] -= fulfilled - line.shipped
        for hold in strays:
            for (sku, location, quantity), (fulfilled, released, _) in zip(hold.places, hold.final.lines, strict=True):
                reserved[sku, location] += quantity - fulfilled - released
                net[sku, location] -= fulfilled
        for event in self.journal.events.values():
            for _, sku, units in event.lines if event.is_understood else ():
                if event.type == "return":
                    returned[sku, event.location] += units
                elif event.type in KINDS:
                    net[sku, event.location] += units if event.type == "receipt" else -units
        net.subtract(reserved)
        places = net.keys() | reserved.keys() | returned.keys()
        return {place: _states(net[place], reserved[place], returned[place]) for place in places}


def _states(net: int, reserved: int, returned: int) -> dict[str, int]:
    """The shelf holds what there is, or is short of what left: never both."""
    states = {
        "available": max(net, 0), "reserved": reserved, "customer_returned": returned, "shortage": max(-net, 0),
    }  # fmt: skip
    return {state: units for state, units in states.items() if units}
