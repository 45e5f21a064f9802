"""Holding: one unit of a random item, of one hot item, or five lines; in the process and over HTTP."""

import itertools
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import msgspec
from onhand.idempotency import digest_of
from onhand_reservations.keyed import Keyed
from onhand_reservations.values import HoldRequest, WantedLine
from onhand_reservations.views.holds import combined

from bench import client, threads
from bench.measure import Figure, Plan, Run, alternate, figure
from bench.stage import Stage

__all__ = ["arm", "in_process", "over_http"]

CALLERS = {"spread": (1, 8, 32, 64), "hot": (1, 8, 32, 64), "lines5": (8, 32)}
THREADS = (8, 32)
LINES = 5
AT_ONCE = 200
PASSES = 3
"""So often is each item held before the clock, so that each of two or more processes has very likely met it."""
encode = msgspec.json.Encoder().encode


def arm(spread: str, door: str) -> Callable[[Stage, Plan], Iterator[Figure]]:
    """Return the arm of this spread through this door."""
    ours = {"process": in_process, "threads": by_threads, "http": over_http}[door]

    def run(place: Stage, plan: Plan) -> Iterator[Figure]:
        meet_all(place, door)
        for callers in plan.callers_of(THREADS if door == "threads" else CALLERS[spread]):
            sides = alternate(
                plan,
                lambda seconds, n=callers: place.raw.hold(spread, n, seconds),
                lambda seconds, n=callers: ours(place, spread, n, seconds),
            )
            yield figure(f"hold.{spread}.{door}", callers, *sides)

    return run


def meet_all(place: Stage, door: str) -> None:
    """Hold each item, once per stage: what is measured is a site that has met its items, not one just started."""
    where = "http" if door == "http" else "process"
    if where in place.met:
        return
    place.met.add(where)
    if where == "http":
        bodies = _bodies(place, [[sku] for sku in place.skus]) * PASSES
        run_id = uuid.uuid4().hex
        client.drive(place.port, 64, 600.0, _posts(place, run_id, iter(bodies)), {201})
        return
    ask = _asking(place, iter([[sku] for sku in place.skus]))
    for _ in range(0, len(place.skus), AT_ONCE):
        ask(AT_ONCE)


def carts(place: Stage, spread: str) -> list[Sequence[str]]:
    """Return the carts that callers draw from; of five lines, each fifth of the items gives one, as on the raw side."""
    if spread == "hot":
        return [place.skus[:1]]
    if spread == "spread":
        return [[sku] for sku in place.skus]
    step = len(place.skus) // LINES
    return [place.skus[first : first + step * LINES : step] for first in range(step)]


def in_process(place: Stage, spread: str, callers: int, seconds: float) -> Run:
    """Hold as a web process does: one thread asks for all who wait, once they have been answered asks for all again."""
    wanted = carts(place, spread)
    ask = _asking(place, iter(lambda: random.choice(wanted), None))
    waits: list[float] = []
    begin = now = time.perf_counter()
    while now < begin + seconds:
        started = now
        ask(callers)
        now = time.perf_counter()
        waits += [now - started] * callers
    return Run(len(waits), now - begin, waits)


def by_threads(place: Stage, spread: str, callers: int, seconds: float) -> Run:
    """Hold by as many threads as callers, each of which asks for itself and sleeps until it has its answer."""
    wanted = carts(place, spread)
    asks = [_asking(place, iter(lambda: random.choice(wanted), None)) for _ in range(callers)]
    return threads.drive(place.app, callers, seconds, lambda number, _: asks[number](1))


def _asking(place: Stage, carts: Iterator[Sequence[str]]) -> Callable[[int], None]:
    """Return how to ask for so many holds at once, of the carts that come next."""
    location, run_id, numbers = place.locations[0], uuid.uuid4().hex, itertools.count()

    def keyed(cart: Sequence[str]) -> Keyed:
        key = f"{run_id}-{next(numbers)}"
        lines = tuple([WantedLine(sku, 1, location) for sku in cart])
        request = HoldRequest(place.channel, "order", lines, None, "token:1")
        return Keyed("token:1", key, digest_of(key.encode()), place.entity_id, request)

    def ask(count: int) -> None:
        for outcome in combined.ask([keyed(cart) for cart in itertools.islice(carts, count)]):
            status, _ = outcome.get()
            if status != 201:
                raise RuntimeError(f"a hold was answered {status}")

    return ask


def over_http(place: Stage, spread: str, callers: int, seconds: float) -> Run:
    """Hold over real sockets."""
    bodies = _bodies(place, carts(place, spread))
    asked = iter(lambda: random.choice(bodies), None)
    return client.drive(place.port, callers, seconds, _posts(place, uuid.uuid4().hex, asked), {201})


def _bodies(place: Stage, carts: Sequence[Sequence[str]]) -> list[bytes]:
    return [
        encode(
            {
                "channel": "web",
                "reference": "order",
                "lines": [{"sku": sku, "location": place.locations[0], "quantity": 1} for sku in cart],
            }
        )
        for cart in carts
    ]


def _posts(place: Stage, run_id: str, bodies: Iterator[bytes]) -> Iterator[bytes]:
    for number, body in enumerate(bodies):
        yield client.post("/api/v1/reservations", place.token, body, f"{run_id}-{number}")
