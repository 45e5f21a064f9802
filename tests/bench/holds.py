"""Holding: one unit of a random item, of one hot item, or five lines; by threads in the process and over HTTP."""

import itertools
import random
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

__all__ = ["CALLERS", "arm", "in_process", "over_http"]

CALLERS = {"spread": (1, 8, 32, 64), "hot": (1, 8, 32, 64), "lines5": (8, 32)}
LINES = 5
encode = msgspec.json.Encoder().encode


def arm(spread: str, door: str) -> Callable[[Stage, Plan], Iterator[Figure]]:
    """Return the arm of this spread through this door."""
    ours = in_process if door == "process" else over_http

    def run(place: Stage, plan: Plan) -> Iterator[Figure]:
        for callers in plan.callers_of(CALLERS[spread]):
            sides = alternate(
                plan,
                lambda seconds, n=callers: place.raw.hold(spread, n, seconds),
                lambda seconds, n=callers: ours(place, spread, n, seconds),
            )
            yield figure(f"hold.{spread}.{door}", callers, *sides)

    return run


def carts(place: Stage, spread: str) -> list[Sequence[str]]:
    """Return the carts that callers draw from; of five lines, each fifth of the items gives one, as on the raw side."""
    if spread == "hot":
        return [place.skus[:1]]
    if spread == "spread":
        return [[sku] for sku in place.skus]
    step = len(place.skus) // LINES
    return [place.skus[first : first + step * LINES : step] for first in range(step)]


def in_process(place: Stage, spread: str, callers: int, seconds: float) -> Run:
    """Hold by the combined verb, from threads of this process."""
    location = place.locations[0]
    wanted = [tuple(WantedLine(sku, 1, location) for sku in cart) for cart in carts(place, spread)]
    run_id = uuid.uuid4().hex

    def call(number: int, turn: int) -> None:
        request = HoldRequest(place.channel, "order", random.choice(wanted), None, "token:1")
        key = f"{run_id}-{number}-{turn}"
        status, _ = combined(Keyed("token:1", key, digest_of(key.encode()), place.entity_id, request))
        if status != 201:
            raise RuntimeError(f"a hold was answered {status}")

    return threads.drive(place.app, callers, seconds, call)


def over_http(place: Stage, spread: str, callers: int, seconds: float) -> Run:
    """Hold over real sockets."""
    run_id = uuid.uuid4().hex
    location = place.locations[0]
    bodies = [
        encode(
            {
                "channel": "web",
                "reference": "order",
                "lines": [{"sku": sku, "location": location, "quantity": 1} for sku in cart],
            }
        )
        for cart in carts(place, spread)
    ]

    def requests() -> Iterator[bytes]:
        for number in itertools.count():
            yield client.post("/api/v1/reservations", place.token, random.choice(bodies), f"{run_id}-{number}")

    return client.drive(place.port, callers, seconds, requests(), {201})
