"""Confirm, fulfil and release: holds are made outside the clock, each is then settled once, over HTTP."""

import random
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from onhand.transaction import run as transact
from onhand_reservations import services
from onhand_reservations.values import Change, Hold, HoldRequest, WantedLine

from bench import client
from bench.measure import Figure, Plan, Run, alternate, figure
from bench.stage import BENCH, Stage

__all__ = ["arm", "prepare"]

CALLERS = (32,)
AT_ONCE = 500
PER_SECOND_MAX = 4_000
"""More than are settled in a second: a round ends when its time is up, not when its holds are."""


def arm(verb: str) -> Callable[[Stage, Plan], Iterator[Figure]]:
    """Return the arm of a verb."""

    def run(place: Stage, plan: Plan) -> Iterator[Figure]:
        for callers in plan.callers_of(CALLERS):
            sides = alternate(
                plan,
                lambda seconds, n=callers: place.raw.settle(verb, n, seconds),
                lambda seconds, n=callers: _settle(place, verb, n, seconds),
            )
            yield figure(verb, callers, *sides)

    return run


def prepare(place: Stage, count: int, *, firm: bool) -> list[uuid.UUID]:
    """Hold one unit of a random item so many times, and confirm them if firm."""
    ids: list[uuid.UUID] = []
    while len(ids) < count:
        ids += transact(lambda session, now: _hold(session, now, place, firm=firm), entities=[place.entity_id])
    return ids[:count]


def _hold(session: Any, now: datetime, place: Stage, *, firm: bool) -> list[uuid.UUID]:
    requests = [
        HoldRequest(place.channel, "order", (WantedLine(random.choice(place.skus), 1, place.locations[0]),), 86_400)
        for _ in range(AT_ONCE)
    ]
    made = [one.id for one in services.hold(session, requests, by=BENCH, now=now) if isinstance(one, Hold)]
    if firm:
        services.confirm(session, [Change(one) for one in made], by=BENCH, now=now)
    return made


def _settle(place: Stage, verb: str, callers: int, seconds: float) -> Run:
    ids = prepare(place, max(callers * 2, int(seconds * PER_SECOND_MAX)), firm=verb == "fulfil")
    run_id = uuid.uuid4().hex
    asks = [
        client.post(f"/api/v1/reservations/{one}/{verb}", place.token, b"{}", f"{run_id}-{number}")
        for number, one in enumerate(ids)
    ]
    return client.drive(place.port, callers, seconds, iter(asks), {200})
