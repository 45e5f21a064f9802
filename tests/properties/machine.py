"""A shop that Hypothesis runs: public verbs and channel events in any order, beside a model of what should come of them.

The model is small on purpose: what is on each shelf, what each hold has open. Whatever the real books do beside it is
for the contributed invariants to judge, all of them after every step.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.transaction import context
from onhand_channels.testing import deliver, event
from onhand_reservations import services
from onhand_reservations.queries import holds_by_id
from onhand_reservations.testing import TESTER, expire_all, wish
from onhand_reservations.values import Change, Extension, Hold, LineQuantity, OutOfStock
from onhand_stock.api import Count, balances, count
from onhand_stock.testing import receive

__all__ = ["ShopMachine"]

ITEMS, STORES, BUFFER_MAX, TTL_SECONDS = 3, 2, 3, 600
units = st.integers(1, 6)
items = st.integers(0, ITEMS - 1)
stores = st.integers(0, STORES - 1)


@dataclass
class Promise:
    """A hold as the model has it: per line (item, store) and [open, fulfilled, released]."""

    hold: Hold
    places: list[tuple[int, int]]
    status: str = "held"
    lines: list[list[int]] = field(default_factory=list)

    @property
    def open(self) -> int:
        return sum(line[0] for line in self.lines)


class ShopMachine(RuleBasedStateMachine):
    """Rules are verbs; every answer is compared with the model's."""

    begin: Callable[[], Any]
    promises = Bundle("promises")

    @initialize(
        target=promises,
        stocked=st.lists(st.integers(4, 12), min_size=ITEMS * STORES, max_size=ITEMS * STORES),
        orders=st.lists(st.lists(st.tuples(items, st.integers(1, 4)), min_size=1, max_size=2), min_size=2, max_size=4),
    )
    def open_shop(self, stocked: list[int], orders: list[list[tuple[int, int]]]) -> Any:
        """Stock the shelves, and let the first customers order before anything else happens."""
        self.shop = type(self).begin()
        self.items = self.shop.items(ITEMS)
        self.buffers = [0] * ITEMS
        self.orders = 0
        self.shelf: dict[tuple[int, int], int] = {}
        self.short: dict[tuple[int, int], int] = {}
        self.known: list[Promise] = []
        for item in range(ITEMS):
            for store in range(STORES):
                self.shelf[item, store] = self.short[item, store] = 0
                self.receive(item, store, stocked[item * STORES + store])
        made = [self.ask(lines, None) for lines in orders]
        return multiple(*[promise for promise in made if promise is not None])

    # what happens to the shelf

    @rule(item=items, store=stores, quantity=units)
    def receive(self, item: int, store: int, quantity: int) -> None:
        what = {self.items[item].id: quantity}
        place = self.shop.stores[store].id
        self.shop.run(lambda s, now: receive(s, now, self.shop.entity.id, place, what) and None)
        self.raise_shelf((item, store), quantity)

    @rule(item=items, store=stores, quantity=units, noun=st.sampled_from(["sale", "return"]))
    def tell(self, item: int, store: int, quantity: int, noun: str) -> None:
        self.deliver(noun, item, quantity, store, order="till")
        if noun == "sale":
            self.take((item, store), quantity)

    @rule(item=items, store=stores, counted=st.integers(0, 12))
    def count(self, item: int, store: int, counted: int) -> None:
        """Count a shelf: what the model then has on it is what the count left there."""
        place = self.shop.stores[store].id
        one = Count(self.shop.entity.id, self.items[item].id, place, counted, self.now())
        self.shop.run(lambda s, now: count(s, [one], by=TESTER, now=now, source="test") and None)
        self.resync()

    @rule(item=items, buffer=st.integers(0, BUFFER_MAX))
    def keep_back(self, item: int, buffer: int) -> None:
        where = Where(item_id=self.items[item].id)
        name = "reservations.buffer"
        self.shop.run(lambda s, now: set_policy(s, name, buffer, where, by=TESTER, now=self.clock(s)) and None)
        self.buffers[item] = buffer

    # what is promised

    @rule(
        target=promises,
        lines=st.lists(st.tuples(items, units), min_size=1, max_size=3),
        store=st.one_of(st.none(), stores),
    )
    def hold(self, lines: list[tuple[int, int]], store: int | None) -> Any:
        made = self.ask(lines, store)
        return multiple() if made is None else made

    def ask(self, lines: list[tuple[int, int]], store: int | None) -> Promise | None:
        """Ask to hold; the model says beforehand whether it must be granted, and from where."""
        self.orders += 1
        code = None if store is None else self.shop.stores[store].code
        pairs = [(self.items[item].sku, quantity) for item, quantity in lines]
        request = wish(self.shop.channel, pairs, location=code, reference=self.order(), ttl_seconds=TTL_SECONDS)
        [answer] = self.shop.run(lambda s, now: services.hold(s, [request], by=TESTER, now=now))
        expected = self.sourced(lines, store)
        if expected is None:
            assert isinstance(answer, OutOfStock), answer
            return None
        assert isinstance(answer, Hold), answer
        codes = [one.code for one in self.shop.stores]
        places = [(item, codes.index(line.location)) for (item, _), line in zip(lines, answer.lines, strict=True)]
        assert [place[1] for place in places] == expected
        promise = Promise(answer, places, lines=[[quantity, 0, 0] for _, quantity in lines])
        for place, (_, quantity) in zip(places, lines, strict=True):
            self.shelf[place] -= quantity
        self.known.append(promise)
        return promise

    @rule(promise=promises)
    def confirm(self, promise: Promise) -> None:
        [answer] = self.shop.run(
            lambda s, now: services.confirm(s, [Change(promise.hold.id)], by=TESTER, now=now)
        )  # fmt: skip
        may = promise.status == "confirmed" or (promise.status == "held" and not self.is_past(promise))
        assert isinstance(answer, Hold) == may, (answer, promise)
        if may:
            promise.status = "confirmed"

    @rule(promise=promises, quantities=st.lists(st.integers(0, 4), min_size=3, max_size=3))
    def release(self, promise: Promise, quantities: list[int]) -> None:
        may = promise.status == "confirmed" or (promise.status == "held" and not self.is_past(promise))
        if self.change(services.release, promise, quantities, may=may):
            for line, quantity in self.parts(promise, quantities):
                self.end(promise, line, quantity, 2)
                self.raise_shelf(promise.places[line], quantity)

    @rule(promise=promises, quantities=st.lists(st.integers(0, 4), min_size=3, max_size=3))
    def fulfil(self, promise: Promise, quantities: list[int]) -> None:
        if self.change(services.fulfil, promise, quantities, may=promise.status == "confirmed"):
            for line, quantity in self.parts(promise, quantities):
                self.end(promise, line, quantity, 1)

    @rule(promise=promises, quantity=units, line=st.integers(0, 2), store=stores)
    def ship(self, promise: Promise, quantity: int, line: int, store: int) -> None:
        """Tell a shipment of the order: it draws on its own hold where that has units there, then on the shelf."""
        item = promise.places[line % len(promise.places)][0]
        self.deliver("shipment", item, quantity, store, order=promise.hold.reference)
        if promise.status == "confirmed" or (promise.status == "held" and not self.is_past(promise)):
            for number, place in enumerate(promise.places):
                drawn = min(quantity, promise.lines[number][0]) if place == (item, store) else 0
                quantity -= drawn
                self.end(promise, number, drawn, 1)
        self.take((item, store), quantity)

    @rule(promise=promises, quantity=units)
    def cancel(self, promise: Promise, quantity: int) -> None:
        """Tell that an order's first item was cancelled, and let the observer hear of it; what is open may go."""
        item = promise.places[0][0]
        self.deliver("cancellation", item, quantity, None, order=promise.hold.reference)
        self.shop.drain()
        self.resync()

    @rule(promise=promises)
    def extend(self, promise: Promise) -> None:
        """Extend before its time is up; after it the units are asked for again, which the invariants judge."""
        before = promise.status
        was_past = self.is_past(promise)
        [answer] = self.shop.run(
            lambda s, now: services.extend(s, [Extension(promise.hold.id, TTL_SECONDS)], by=TESTER, now=now)
        )
        if before == "held" and not was_past:
            assert isinstance(answer, Hold)
            promise.hold = answer
            return
        if isinstance(answer, Hold):
            assert answer.replaces == promise.hold.id
            self.known.append(self.renewed(promise, answer))
        self.resync()

    @rule(seconds=st.sampled_from([1, TTL_SECONDS // 2, TTL_SECONDS]), is_swept=st.booleans())
    def let_time_pass(self, seconds: int, is_swept: bool) -> None:
        self.shop.later += timedelta(seconds=seconds)
        if is_swept:
            self.sweep()

    def sweep(self) -> None:
        due = [promise for promise in self.known if promise.status == "held" and self.is_past(promise)]
        assert self.shop.run(expire_all) == len(due)
        for promise in due:
            promise.status = "expired"
            for line, place in enumerate(promise.places):
                left = promise.lines[line][0]
                self.end(promise, line, left, 2, settle=False)
                self.raise_shelf(place, left)

    # what must hold

    @invariant()
    def books_agree_with_themselves(self) -> None:
        if hasattr(self, "items"):
            assert self.shop.differences() == []

    @invariant()
    def books_agree_with_the_model(self) -> None:
        if not hasattr(self, "items"):
            return
        reserved = dict.fromkeys(self.shelf, 0)
        for promise in self.known:
            for place, line in zip(promise.places, promise.lines, strict=True):
                reserved[place] += line[0]
        shelves, holds = self.read()
        for place, available in self.shelf.items():
            found = tuple(shelves[place].get(state, 0) for state in ("available", "reserved", "shortage"))
            assert found == (available, reserved[place], self.short[place]), place
        for promise in self.known:
            hold = holds[promise.hold.id]
            assert (hold.status, lines_of(hold)) == (promise.status, promise.lines)

    # the model

    def sourced(self, lines: list[tuple[int, int]], store: int | None) -> list[int] | None:
        """Return the store of every line, or None when the request must be refused."""
        left = dict(self.shelf)
        seen = dict(self.shelf)  # sourcing reads once, and takes each line from what it read
        chosen = []
        for item, quantity in lines:
            place = store
            if place is None:
                covers = [one for one in range(STORES) if seen[item, one] - self.buffers[item] >= quantity]
                place = covers[0] if covers else 0
                if covers:
                    seen[item, place] -= quantity
            chosen.append(place)
            left[item, place] -= quantity
            if left[item, place] < self.buffers[item]:
                return None
        return chosen

    def change(self, verb: Any, promise: Promise, quantities: list[int], *, may: bool) -> bool:
        asked = [LineQuantity(line + 1, quantity) for line, quantity in self.parts(promise, quantities)]
        if not asked:
            return False
        [answer] = self.shop.run(
            lambda s, now: verb(s, [Change(promise.hold.id, tuple(asked))], by=TESTER, now=now)
        )  # fmt: skip
        fits = all(promise.lines[one.line - 1][0] >= one.quantity for one in asked)
        assert isinstance(answer, Hold) == (may and fits), (answer, promise, asked)
        return isinstance(answer, Hold)

    def parts(self, promise: Promise, quantities: list[int]) -> list[tuple[int, int]]:
        return [(line, quantity) for line, quantity in enumerate(quantities[: len(promise.lines)]) if quantity]

    def end(self, promise: Promise, line: int, quantity: int, how: int, *, settle: bool = True) -> None:
        promise.lines[line][0] -= quantity
        promise.lines[line][how] += quantity
        if settle and quantity and not promise.open:
            promise.status = "fulfilled" if any(one[1] for one in promise.lines) else "released"

    def take(self, place: tuple[int, int], quantity: int) -> None:
        taken = min(quantity, self.shelf[place])
        self.shelf[place] -= taken
        self.short[place] += quantity - taken

    def raise_shelf(self, place: tuple[int, int], quantity: int) -> None:
        cleared = min(quantity, self.short[place])
        self.short[place] -= cleared
        self.shelf[place] += quantity - cleared

    def is_past(self, promise: Promise) -> bool:
        return bool(promise.hold.expires_at <= self.now())

    def resync(self) -> None:
        """Take over what became of everything, where it is for the invariants alone to judge how."""
        shelves, holds = self.read()
        for place in self.shelf:
            self.shelf[place], self.short[place] = (shelves[place].get(one, 0) for one in ("available", "shortage"))
        for promise in self.known:
            hold = holds[promise.hold.id]
            promise.status, promise.lines = hold.status, lines_of(hold)

    def renewed(self, promise: Promise, answer: Hold) -> Promise:
        codes = [one.code for one in self.shop.stores]
        skus = [item.sku for item in self.items]
        places = [(skus.index(line.sku), codes.index(line.location)) for line in answer.lines]
        return Promise(answer, places, lines=[[line.quantity, 0, 0] for line in answer.lines])

    # the real thing

    def deliver(self, noun: str, item: int, quantity: int, store: int | None, *, order: str) -> None:
        location = None if store is None else self.shop.stores[store].code
        one = event(self.shop.channel, noun, {self.items[item].sku: quantity}, location=location, order=order,
                    time=self.now())  # fmt: skip
        outcomes = self.shop.run(lambda s, now: deliver(s, now, self.shop.channel, one))
        assert [outcome.outcome for outcome in outcomes] == ["posted"], outcomes

    def order(self) -> str:
        return f"{self.items[0].sku}/{self.orders}"

    def now(self) -> Any:
        return self.shop.run(lambda s, now: now)

    def clock(self, session: Any) -> Any:
        return context(session).now

    def read(self) -> tuple[dict[tuple[int, int], dict[str, int]], dict[UUID, Hold]]:
        """Return the real shelves by (item, store), and the real holds."""
        entity = [self.shop.entity.id]
        item_ids, place_ids = [item.id for item in self.items], [store.id for store in self.shop.stores]
        hold_ids = [promise.hold.id for promise in self.known]
        rows, holds = self.shop.run(lambda s, _: (balances(s, entity), holds_by_id(s, entity, hold_ids)))
        shelves: dict[tuple[int, int], dict[str, int]] = {place: {} for place in self.shelf}
        for row in rows:
            shelves[item_ids.index(row.item_id), place_ids.index(row.location_id)] = row.states
        return shelves, {hold.id: hold for hold in holds}


def lines_of(hold: Hold) -> list[list[int]]:
    return [[line.quantity - line.fulfilled - line.released, line.fulfilled, line.released] for line in hold.lines]
