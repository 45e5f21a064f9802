"""A story: the people around one item, step by step. Each step changes the truth, asks at a door, or both.

Steps are named as they are told. What a person does depends on what is really there and on what was answered; what
the book says is none of their business. A story keeps what was promised and told, for the audit to judge.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from scenarios.asks import (
    Answer,
    Ask,
    Confirm,
    Count,
    Fulfil,
    Granted,
    Hold,
    Position,
    Refused,
    Release,
    Seen,
    Tell,
    Told,
)
from scenarios.plot import SLOT_MINUTES, Plot, Scene
from scenarios.shelf import COUNTER, CUSTOMER, FITTING_ROOM, GONE, SHELF, Shelf

__all__ = ["MARKETPLACE", "STORE", "TILL", "WEB", "Promise", "Story"]

STORE, WEB, TILL, MARKETPLACE = "OLD-TOWN", "web-shop", "till-3", "marketplace"


@dataclass
class Promise:
    """A hold as its customer knows it. `status` is ours: what we were answered, or may conclude from the time."""

    hold: Any
    expires_at: datetime
    status: str = "held"
    is_swept: bool = False

    def is_open(self, now: datetime) -> bool:
        """Tell whether a unit is promised now, as far as anybody told."""
        return self.status in {"confirmed", "handed over"} or (self.status == "held" and now < self.expires_at)

    @property
    def may_keep(self) -> bool:
        """Tell whether the book may keep a unit for it: it is open, or ran out and nobody has swept it yet."""
        ran_out = self.status == "expired" and not self.is_swept
        return ran_out or self.status in {"held", "confirmed", "handed over"}


@dataclass
class Event:
    """Something that happened, to be told; `units` is what it does to the store's stock, None for no stock fact."""

    body: dict[str, Any]
    occurred_at: datetime
    units: int | None
    is_told: bool = False


@dataclass
class Counted:
    """A count as it was made."""

    counted: int
    at: datetime
    position: Any = None
    is_told: bool = False


@dataclass
class Story:
    """One item, its truth, its people, and what they were told."""

    plot: Plot
    sku: str
    rng: Random = field(init=False)
    shelf: Shelf = field(init=False)
    promises: dict[str, Promise] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    counts: dict[str, Counted] = field(default_factory=dict)
    handed: list[tuple[datetime, int]] = field(default_factory=list)
    diary: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    refusals: int = 0
    was_doubtful: bool = False
    now: datetime = field(init=False)
    _fitting: set[str] = field(default_factory=set)
    _set_aside: set[str] = field(default_factory=set)
    _on_answer: Callable[[Answer], None] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.plot.seed}/people")
        self.shelf = Shelf(self.plot.units + self.plot.unbooked)

    # ── the machinery of telling ─────────────────────────────────────────────────────────────────────────────────────

    def play(self, scene: Scene, now: datetime) -> Ask | None:
        """Let a scene happen at a moment, and return what somebody asks, for `hear` to be told the answer."""
        self.now = now
        self._on_answer = lambda _: None
        self._note(f"{scene.who}: {scene.act.replace('_', ' ')}")
        ask: Ask | None = getattr(self, scene.act)(scene.who, **scene.detail)
        return ask

    def hear(self, answer: Answer) -> None:
        """Take the answer to what was asked last."""
        self._note(f"  → {answer}")
        self._on_answer(answer)

    def swept(self, at: datetime) -> None:
        """Learn that whatever ran out by then has expired."""
        for promise in self.promises.values():
            if promise.status in {"held", "expired"} and promise.expires_at <= at:
                promise.status, promise.is_swept = "expired", True

    def _note(self, line: str) -> None:
        self.diary.append(f"{self.now:%H:%M:%S} {line}")

    def _saw(self, what: str) -> None:
        self.seen.add(what)
        self._note(f"  ({what}; in truth {self.shelf})")

    # ── the store ────────────────────────────────────────────────────────────────────────────────────────────────────

    def the_delivery_is_put_away(self, who: str) -> Ask | None:
        """The last delivery of the season: what comes now is all there will be. The note may name less than there is."""
        self._happened(who, TILL, "receipt", self.plot.units, location=STORE)
        return self._tell(TILL, who)

    def somebody_walks_out_with_it(self, who: str) -> None:
        if self.shelf.move(SHELF, GONE):
            self._saw("a unit is stolen")

    def counts_the_store(self, who: str, overlooks: bool, has_list: bool) -> Ask | None:
        """Count what is in the store. Who overlooks does not knock at the fitting room."""
        counted = self.shelf.at((SHELF, COUNTER)) if overlooks else self.shelf.in_store
        if counted < self.shelf.in_store:
            self._saw("the fitting room is overlooked")
        self.counts[who] = Counted(counted, self.now)
        if not has_list:
            return None

        def answered(answer: Answer) -> None:
            assert isinstance(answer, Seen)
            self.counts[who].position = answer.position

        self._on_answer = answered
        return Position(self.sku)

    def enters_the_count(self, who: str) -> Ask:
        count = self.counts[who]

        def answered(answer: Answer) -> None:
            count.is_told = True

        self._on_answer = answered
        return Count(self.sku, count.counted, count.at, count.position)

    # ── on-line, for pick-up today ───────────────────────────────────────────────────────────────────────────────────

    def orders_on_line_for_pick_up(self, who: str, slots: int, lapses: bool) -> Ask:
        def answered(answer: Answer) -> None:
            if isinstance(answer, Granted):
                self.promises[who] = Promise(answer.hold, answer.expires_at)
            else:
                self.refusals += 1
                self._saw("an on-line order is refused")

        self._on_answer = answered
        return Hold(self.sku, f"{self.sku}/{who}", slots * SLOT_MINUTES * 60, lapses)

    def pays(self, who: str) -> Ask | None:
        promise = self.promises.get(who)
        if promise is None:
            return None

        def answered(answer: Answer) -> None:
            if isinstance(answer, Refused):
                promise.status = "expired"
                self._saw("the payment comes too late")
            else:
                promise.status = "confirmed"

        self._on_answer = answered
        return Confirm(promise.hold)

    def payment_fails(self, who: str) -> Ask | None:
        return self._let_go(who, "payment_failed")

    def cancels(self, who: str) -> Ask | None:
        return self._let_go(who, "cancel")

    def a_clerk_sets_it_aside_for(self, who: str) -> None:
        if self._is_waiting(who) and who not in self._set_aside and self.shelf.move(SHELF, COUNTER):
            self._set_aside.add(who)

    def comes_to_collect(self, who: str, told_by_event: bool) -> Ask | None:
        """Hand over what was set aside, or found now. What cannot be found is let go, with an apology."""
        self.a_clerk_sets_it_aside_for(who)
        if not self._is_waiting(who):
            return None
        if who not in self._set_aside:
            self._saw("a promised unit cannot be found")
            return self._let_go(who, "not_found")
        self.shelf.move(COUNTER, CUSTOMER)
        self._set_aside.remove(who)
        promise = self.promises[who]
        if told_by_event:
            promise.status = "handed over"
            self._happened(who, WEB, "shipment", -1, location=STORE, order=f"{self.sku}/{who}")
            return None

        def answered(answer: Answer) -> None:
            promise.status = f"refused: {answer.why}" if isinstance(answer, Refused) else "fulfilled"
            self.handed.append((self.now, -1))

        self._on_answer = answered
        return Fulfil(promise.hold)

    def the_shop_tells_the_shipment_of(self, who: str) -> Ask | None:
        return self._tell(WEB, who)

    def the_store_lets_go_of_the_order_of(self, who: str) -> Ask | None:
        """Closing time: who has not come will not, and what nobody found is not there."""
        return self._let_go(who, "not_collected")

    def _is_waiting(self, who: str) -> bool:
        return who in self.promises and self.promises[who].status == "confirmed"

    def _let_go(self, who: str, why: str) -> Ask | None:
        promise = self.promises.get(who)
        if promise is None or promise.status not in {"held", "confirmed"}:
            return None
        if who in self._set_aside:
            self._set_aside.remove(who)
            self.shelf.move(COUNTER, SHELF)

        def answered(answer: Answer) -> None:
            promise.status = "expired" if isinstance(answer, Refused) else "released"

        self._on_answer = answered
        return Release(promise.hold, why)

    # ── walking in ───────────────────────────────────────────────────────────────────────────────────────────────────

    def takes_it_to_the_fitting_room(self, who: str) -> None:
        if self.shelf.move(SHELF, FITTING_ROOM):
            self._fitting.add(who)

    def puts_it_back(self, who: str) -> None:
        if who in self._fitting:
            self.shelf.move(FITTING_ROOM, SHELF)

    def buys_it_at_the_till(self, who: str) -> None:
        if who in self._fitting:
            self.shelf.move(FITTING_ROOM, CUSTOMER)
            self._happened(who, TILL, "sale", -1, location=STORE)

    def the_till_posts_the_sale_to(self, who: str, again: bool = False) -> Ask | None:
        return self._tell(TILL, who, again=again)

    # ── the marketplace ──────────────────────────────────────────────────────────────────────────────────────────────

    def orders_at_the_marketplace(self, who: str) -> None:
        self._happened(who, MARKETPLACE, "order", None, order=f"{self.sku}/{who}")

    def the_store_packs_for(self, who: str) -> None:
        """Pack what is on the shelf: the marketplace's list does not say what was promised on-line."""
        if self.shelf.move(SHELF, CUSTOMER):
            self._happened(who, MARKETPLACE, "shipment", -1, location=STORE, order=f"{self.sku}/{who}")
        else:
            self._saw("the marketplace cannot be served")
            self._happened(who, MARKETPLACE, "cancellation", None, order=f"{self.sku}/{who}")

    def the_marketplaces_batch_arrives_about(self, who: str, again: bool = False) -> Ask | None:
        return self._tell(MARKETPLACE, who, again=again)

    # ── what happened, and who was told ──────────────────────────────────────────────────────────────────────────────

    def _happened(self, who: str, channel: str, noun: str, units: int | None, **data: str) -> None:
        quantity = abs(units) if units else 1
        body = {
            "specversion": "1.0", "id": f"{self.sku}/{who}/{noun}", "source": channel, "type": f"onhand.{noun}.v1",
            "time": self.now.isoformat(), "data": data | {"lines": [{"sku": self.sku, "quantity": quantity}]},
        }  # fmt: skip
        self.events.setdefault(who, []).append(Event(body, self.now, units))

    def _tell(self, channel: str, who: str, *, again: bool = False) -> Ask | None:
        """Send what happened and was not told, in any order; `again`: all of it, as a sender does that saw no answer."""
        sent = [event for event in self.events.get(who, ()) if again or not event.is_told]
        if not sent:
            return None
        self.rng.shuffle(sent)
        if again:
            self._saw("events are told twice")

        def answered(answer: Answer) -> None:
            assert isinstance(answer, Told)
            for event, outcome in zip(sent, answer.outcomes, strict=True):
                assert outcome == ("duplicate" if event.is_told else "posted"), (event.body, outcome)
                event.is_told = True
                if channel == WEB:
                    self.promises[who].status = "fulfilled"

        self._on_answer = answered
        return Tell(channel, tuple(event.body for event in sent))
