"""A wave of promised orders: hold, confirm or let go, then report what was shipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, cast

import msgspec

from onhand_demo.events import Envelope
from onhand_demo.journal import Journal, Span
from onhand_demo.orders import ABANDONED_TTL_S, Ending, Order, facts
from onhand_demo.wire import Answer, Crowd, Wire

Hold = dict[str, Any]
"""A hold as the site answered it."""

MARKETPLACE = "marketplace"
HOLDS = "/api/v1/reservations"
PAST = {"confirm": "confirmed", "release": "released"}


PostEvents = Callable[[str, Sequence[Envelope]], None]
"""Sends events of one channel in one request."""


class Desk:
    """Takes a wave of orders: each customer asks for a promise on their own, a marketplace for all of its at once."""

    def __init__(self, crowd: Crowd, tokens: dict[str, str], journal: Journal, post_events: PostEvents) -> None:
        self._crowd = crowd
        self._tokens = tokens
        self._journal = journal
        self._post_events = post_events

    def take(self, orders: Sequence[Order]) -> None:
        """Promise each order or send the customer away; report the facts of those that got their promise."""
        together = [order for order in orders if order.channel.kind == MARKETPLACE]
        alone = [order for order in orders if order.channel.kind != MARKETPLACE]
        asked = [*self._crowd.each(self._ask, alone), *self._ask_together(together)]
        held = [(order, hold) for order, hold in zip([*alone, *together], asked, strict=True) if hold]
        settled = self._crowd.each(self._settle, held)
        envelopes: dict[str, list[Envelope]] = {}
        for (order, hold), reports in zip(held, settled, strict=True):
            if reports:
                reported = (Envelope(event) for event in facts(order, _served_by(order, hold)))
                envelopes.setdefault(order.channel.code, []).extend(reported)
        for channel, each in envelopes.items():
            self._post_events(channel, each)

    def _ask(self, wire: Wire, order: Order) -> Hold | None:
        begun = monotonic()
        answer = self._post(wire, order, HOLDS, f"hold-{order.reference}", _request(order))
        return self._noted(order, answer.status, answer.body, (begun, monotonic()), answer.tries)

    def _ask_together(self, orders: Sequence[Order]) -> list[Hold | None]:
        if not orders:
            return []
        requests = [{**_request(order), "key": f"hold-{order.reference}"} for order in orders]
        begun = monotonic()
        [answer] = self._crowd.each(
            lambda wire, body: self._post(wire, orders[0], f"{HOLDS}/batch", None, body),
            [{"requests": requests}],
        )
        span = (begun, monotonic())
        if answer.status != 200:
            self._journal.complain(f"{len(orders)} holds of {orders[0].channel.code}: {answer.problem}")
            return [None] * len(orders)
        return [
            self._noted(order, result["status"], result["body"], span, 1)
            for order, result in zip(orders, answer.body["results"], strict=True)
        ]

    def _noted(self, order: Order, status: int, body: Any, span: Span, tries: int) -> Hold | None:
        """The hold, if the promise was made; a refusal must say what is short."""
        if status == 201:
            self._journal.hold("held", span, tries)
            return cast(Hold, body)
        if status == 409 and body.get("shortfalls"):
            self._journal.hold("refused", span, tries)
        else:
            self._journal.complain(f"hold for {order.reference}: {status} {body}")
        return None

    def _settle(self, wire: Wire, held: tuple[Order, Hold]) -> bool:
        """Confirm or release as the order ends; true when there is something to report to the site."""
        order, hold = held
        if order.ending is Ending.ABANDONED:
            return False
        if order.ending is Ending.PAYMENT_FAILED:
            self._change(wire, order, hold, "release", {"event": "payment_failed"})
            return False
        self._change(wire, order, hold, "confirm", {})
        if order.ending is Ending.RELEASED:
            self._change(wire, order, hold, "release", {"event": "cancel"})
            return False
        return True

    def _change(self, wire: Wire, order: Order, hold: Hold, verb: str, body: dict[str, Any]) -> None:
        begun = monotonic()
        answer = self._post(wire, order, f"{HOLDS}/{hold['id']}/{verb}", f"{verb}-{order.reference}", body)
        if answer.status == 200:
            self._journal.hold(PAST[verb], (begun, monotonic()), answer.tries)
        else:
            self._journal.complain(f"{verb} of {order.reference}: {answer.problem}")

    def _post(self, wire: Wire, order: Order, path: str, key: str | None, body: dict[str, Any]) -> Answer:
        return wire.post(path, msgspec.json.encode(body), token=self._tokens[order.channel.code], key=key)


def _request(order: Order) -> dict[str, Any]:
    at = {"location": order.pickup} if order.pickup else {}
    lines = [{"sku": line.sku, "quantity": line.quantity, **at} for line in order.lines]
    body: dict[str, Any] = {"channel": order.channel.code, "reference": order.reference, "lines": lines}
    if order.ending is Ending.ABANDONED:
        body["ttl_seconds"] = ABANDONED_TTL_S
    return body


def _served_by(order: Order, hold: Hold) -> dict[str, str]:
    """Where each line of the order was promised. No SKU is on an order twice."""
    at = {line["sku"]: line["location"] for line in hold["lines"]}
    return {line.line: at[line.sku] for line in order.lines}
