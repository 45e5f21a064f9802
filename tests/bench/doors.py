"""Events in and availability out, over HTTP."""

import itertools
import random
import uuid
from collections.abc import Iterator

import msgspec

from bench import client
from bench.measure import Figure, Plan, Run, alternate, figure
from bench.stage import STOCKED_EVERYWHERE, Stage

__all__ = ["ATP_CALLERS", "INTAKE_CALLERS", "ask", "atp", "intake", "send"]

ASKED = 50
ATP_CALLERS = (8, 32, 64)
INTAKE_CALLERS = {1: 32, 100: 2, 1_000: 2}
encode = msgspec.json.Encoder().encode


def intake(place: Stage, plan: Plan) -> Iterator[Figure]:
    """Sales by batches of 1, 100 and 1,000, beside raw batches of 1,000; operations are events."""
    for size, own in INTAKE_CALLERS.items():
        for callers in plan.callers_of((own,)):
            sides = alternate(
                plan,
                lambda seconds: place.raw.intake(INTAKE_CALLERS[1_000], seconds),
                lambda seconds, n=size, c=callers: send(place, n, c, seconds),
            )
            yield figure("intake.http", callers, *sides, note=f"{size} a batch")


def send(place: Stage, size: int, callers: int, seconds: float) -> Run:
    """Send batches of so many sales."""
    run_id = uuid.uuid4().hex
    batches = (_batch(place, run_id, number, size) for number in itertools.count())
    ahead = [next(batches) for _ in range(max(20, int(seconds * (60 if size > 1 else 4_000))))]
    return client.drive(place.port, callers, seconds, itertools.chain(iter(ahead), batches), {200}, weight=size)


def _batch(place: Stage, run_id: str, number: int, size: int) -> bytes:
    first = random.randrange(len(place.skus) - size)
    events = [
        {
            "specversion": "1.0", "id": f"{run_id}-{number}-{place_in_batch}", "source": "web", "type": "onhand.sale.v1",
            "time": "2026-01-01T00:00:00Z",
            "data": {"location": place.locations[0], "lines": [{"sku": place.skus[first + place_in_batch], "quantity": 1}]},
        }
        for place_in_batch in range(size)
    ]  # fmt: skip
    return client.post("/api/v1/events", place.token, encode(events))


def atp(place: Stage, plan: Plan) -> Iterator[Figure]:
    """What may be promised of 50 items at 20 locations."""
    for callers in plan.callers_of(ATP_CALLERS):
        sides = alternate(
            plan,
            lambda seconds, n=callers: place.raw.atp(n, seconds, place.location_ids),
            lambda seconds, n=callers: ask(place, n, seconds),
        )
        yield figure("atp.http", callers, *sides)


def ask(place: Stage, callers: int, seconds: float) -> Run:
    """Ask for availability."""
    locations = "".join(f"&location={code}" for code in place.locations)

    asked = [
        client.get(f"/api/v1/availability?channel=web{skus}{locations}", place.token)
        for first in range(STOCKED_EVERYWHERE - ASKED + 1)
        for skus in ["".join(f"&sku={sku}" for sku in place.skus[first : first + ASKED])]
    ]
    return client.drive(place.port, callers, seconds, iter(lambda: random.choice(asked), None), {200})
