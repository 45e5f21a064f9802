"""Customers: each orders, over and over, and every order ends in one of the ways orders end."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from crash.facts import Facts, facts
from crash.journal import Command, Journal
from crash.promises import Promise
from crash.wire import Walked, Wire
from crash.world import World

__all__ = ["Customer"]

IMPATIENT = 0.05
REPEATS = 0.04
TWICE = 0.04
SHORT_SECONDS = 1
SCARCE = 0.35
SOURCED = 0.3


class Customer:
    """One client with a connection and a random stream of its own; `random` decides everything but the answers."""

    def __init__(self, name: str, wire: Wire, journal: Journal, world: World, chance: random.Random) -> None:
        self._name, self._wire, self._journal, self._world, self._random = name, wire, journal, world, chance
        self._numbers = count(1)
        self._deck: list[Callable[[], None]] = []
        self._endings: list[Callable[[], None]] = [
            *[self._collect] * 4, *[self._collect_in_parts] * 2, *[self._shipped] * 3, *[self._let_go] * 2,
            *[self._let_go_in_parts] * 2, *[self._cancelled] * 5, *[self._abandon] * 2, self._extend, self._extend_late,
            self._confirm_late, self._forget, self._keep,
        ]  # fmt: skip

    def order(self) -> None:
        """See one order through. Every ending comes once per shuffled deck, so short runs have them all."""
        if not self._deck:
            self._deck = self._random.sample(self._endings, len(self._endings))
        self._reference = f"{self._name}-{next(self._numbers)}"
        try:
            self._deck.pop()()
        except Walked:
            return

    def _collect(self) -> None:
        if (promise := self._hold()) and self._confirm(promise):
            self._change(promise, "fulfil", promise.open)

    def _collect_in_parts(self) -> None:
        if (promise := self._hold()) and self._confirm(promise):
            for number, units in promise.open.items():
                self._change(promise, "fulfil", {number: self._random.randint(1, units)})
            if promise.open:
                self._change(promise, "fulfil", promise.open)

    def _let_go(self) -> None:
        if promise := self._hold():
            if self._random.random() < 0.5 and not self._confirm(promise):
                return
            self._change(promise, "release", promise.open)

    def _let_go_in_parts(self) -> None:
        if promise := self._hold():
            number, units = self._random.choice(sorted(promise.open.items()))
            self._change(promise, "release", {number: self._random.randint(1, units)})
            if promise.is_open and self._confirm(promise):
                self._change(promise, "fulfil", promise.open)

    def _shipped(self) -> None:
        """The shop confirms and tells by events what it shipped, location by location; the order comes late or twice."""
        if not (promise := self._hold()) or not self._confirm(promise):
            return
        placed = self._facts("order", promise, promise.lines[0].location)
        events = [placed, placed]
        for location in sorted({line.location for line in promise.lines}):
            shipment = self._facts("shipment", promise, location)
            events.append(shipment)
            after = promise.maybe()
            after.ship(location)
            self._tell([shipment])
            promise.alternatives.clear()
            promise.ship(location)
        self._random.shuffle(events)
        self._tell(events)

    def _cancelled(self) -> None:
        """The channel cancels all of it by event: the promise ends after the commit, through outbox and worker."""
        if not (promise := self._hold()) or not self._confirm(promise):
            return
        if self._random.random() < 0.5:
            number, units = self._random.choice(sorted(promise.open.items()))
            self._change(promise, "release", {number: self._random.randint(1, units)})
            if not promise.is_open:
                return
        cancellation = self._facts("cancellation", promise, promise.lines[0].location)
        promise.maybe().cancel()
        self._tell([cancellation])
        promise.alternatives.clear()
        promise.cancel()

    def _abandon(self) -> None:
        self._hold(ttl_seconds=SHORT_SECONDS)

    def _keep(self) -> None:
        self._hold()

    def _forget(self) -> None:
        if promise := self._hold():
            self._confirm(promise)

    def _confirm_late(self) -> None:
        if promise := self._hold(ttl_seconds=SHORT_SECONDS):
            time.sleep(self._random.uniform(0.8, 1.2) * SHORT_SECONDS)
            if self._confirm(promise):
                self._change(promise, "fulfil", promise.open)

    def _extend(self) -> None:
        if promise := self._hold(ttl_seconds=SHORT_SECONDS * 5):
            longer = self._lengthen(promise, 600)
            if longer and self._confirm(longer):
                self._change(longer, "fulfil", longer.open)

    def _extend_late(self) -> None:
        if promise := self._hold(ttl_seconds=SHORT_SECONDS):
            time.sleep(SHORT_SECONDS * 1.3)
            anew = self._lengthen(promise, 600)
            if anew:
                self._change(anew, "release", anew.open)

    def _hold(self, ttl_seconds: int | None = None) -> Promise | None:
        chance, lines = self._random, []
        for sku in chance.sample(self._world.skus, chance.choice((1, 1, 2, 3))):
            wanted = chance.choice(self._world.hot) if chance.random() < SCARCE else sku
            if wanted in {line["sku"] for line in lines}:
                continue
            line: dict[str, object] = {"sku": wanted, "quantity": chance.randint(1, 3)}
            if chance.random() >= SOURCED:
                line["location"] = chance.choice(self._world.locations)
            lines.append(line)
        wish = {"channel": "web", "reference": self._reference, "lines": lines}
        if ttl_seconds is not None:
            wish["ttl_seconds"] = ttl_seconds
        command = self._command("hold", "/api/v1/reservations", wish)
        dice = chance.random()
        status = self._wire.twice(command) if dice < TWICE else self._ask(command)
        if status != 201:
            return None
        promise = Promise.of(json.loads(command.answer))
        self._journal.promise(promise)
        if promise.reference != self._reference or [line.sku for line in promise.lines] != [
            one["sku"] for one in lines
        ]:
            self._journal.complain(f"{command.key}: was promised something else")
        return promise

    def _confirm(self, promise: Promise) -> bool:
        command = self._command("confirm", f"/api/v1/reservations/{promise.id}/confirm", {})
        promise.maybe().confirm()
        status = self._ask(command)
        promise.alternatives.clear()
        return self._changed(promise, command, status, promise.confirm)

    def _change(self, promise: Promise, verb: str, parts: dict[int, int]) -> bool:
        """Release or fulfil units; all that is open is asked for without naming it."""
        body = (
            {} if parts == promise.open else {"lines": [{"line": n, "quantity": units} for n, units in parts.items()]}
        )
        command = self._command(verb, f"/api/v1/reservations/{promise.id}/{verb}", body)
        getattr(promise.maybe(), verb)(parts)
        status = self._ask(command)
        promise.alternatives.clear()
        return self._changed(promise, command, status, lambda: getattr(promise, verb)(parts))

    def _changed(self, promise: Promise, command: Command, status: int, apply: Callable[[], None]) -> bool:
        if status != 200:
            if not promise.may_be_refused(datetime.now(UTC)):
                self._journal.complain(f"{command.key}: refused though promised: {command.answer[:200]!r}")
            return False
        apply()
        if promise.differs(json.loads(command.answer)):
            self._journal.complain(f"{command.key}: the answer differs from what was promised: {command.answer!r}")
        return True

    def _lengthen(self, promise: Promise, ttl_seconds: int) -> Promise | None:
        """Extend, and return what the client then has: the same for longer, another in its place, or nothing."""
        path = f"/api/v1/reservations/{promise.id}/extend"
        command = self._command("extend", path, {"ttl_seconds": ttl_seconds})
        status = self._wire.ask(command)
        was_over = promise.may_be_refused(datetime.now(UTC))
        if status != 200:
            if not was_over:
                self._journal.complain(f"{command.key}: refused though promised: {command.answer[:200]!r}")
            return None
        found = Promise.of(json.loads(command.answer))
        if found.id == promise.id:
            promise.expires_at = found.expires_at
            return promise
        if not was_over or found.replaces != promise.id:
            self._journal.complain(f"{command.key}: replaced though it had not run out")
        promise.lapse()
        self._journal.promise(found)
        return found

    def _ask(self, command: Command) -> int:
        status = self._wire.ask(command, is_impatient=self._random.random() < IMPATIENT)
        if self._random.random() < REPEATS:
            self._wire.again(command)
        return status

    def _command(self, verb: str, path: str, body: dict[str, object]) -> Command:
        key = f"{self._name}/{verb}/{next(self._numbers)}"
        return Command(verb, key, path, json.dumps(body).encode(), self._reference)

    def _facts(self, what: str, promise: Promise, location: str) -> Facts:
        """An event about the order's lines; a shipment's are those at its location."""
        lines = [
            (str(number), line.sku, line.quantity)
            for number, line in enumerate(promise.lines, 1)
            if what != "shipment" or line.location == location
        ]
        name = f"{self._reference}-{what}-{location}"
        return facts("web", name, what, location, self._reference, tuple(lines))

    def _tell(self, events: list[Facts]) -> None:
        for event in events:
            self._journal.plan(event)
        is_impatient = self._random.random() < IMPATIENT
        self._wire.tell("web", [(event, event.body) for event in events], is_impatient=is_impatient)
