"""What becomes of speed when the books are large: two sites side by side, one new and one with millions of rows.

Rounds alternate between them, so that whatever else the machine does meets both.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from rich.console import Console

from bench import books, doors, holds
from bench.filling import fill
from bench.measure import Figure, Plan, Run, alternate, figure
from bench.stage import Stage, stage

__all__ = ["DOORS", "arm"]

HOLD_CALLERS = 32
ATP_CALLERS = 8
Ask = Callable[[Stage, int, float], Run]


def _hold(place: Stage, callers: int, seconds: float) -> Run:
    return holds.over_http(place, "spread", callers, seconds)


def _intake(place: Stage, callers: int, seconds: float) -> Run:
    return doors.send(place, 1_000, callers, seconds)


DOORS: dict[str, tuple[int, Ask]] = {
    "hold": (HOLD_CALLERS, _hold),
    "atp": (ATP_CALLERS, doors.ask),
    "intake": (doors.INTAKE_CALLERS[1_000], _intake),
}


def arm(what: str) -> Callable[[Stage, Plan], Iterator[Figure]]:
    """Return the arm of this door. Raw is the other arm's, beside the new site; the growth is time by time."""

    def run(place: Stage, plan: Plan) -> Iterator[Figure]:
        own, ask = DOORS[what]
        new, large = _sites(place, plan)
        for site in (new, large):
            holds.meet_all(site, "http")
        for callers in plan.callers_of((own,)):
            at_large, at_new = alternate(
                plan,
                lambda seconds, n=callers: ask(new, n, seconds),
                lambda seconds, n=callers: ask(large, n, seconds),
            )
            beside = [_raw(new, what, callers, plan.seconds) for _ in range(plan.rounds)]
            before = figure(f"growth.{what}", callers, at_new, beside, note="new")
            yield before
            after = figure(f"growth.{what}", callers, at_large, beside, note=f"{plan.growth.describe()}")
            yield after.grown_from(before)

    return run


def _raw(place: Stage, what: str, callers: int, seconds: float) -> Run:
    if what == "atp":
        return place.raw.atp(callers, seconds, place.location_ids)
    return place.raw.intake(callers, seconds) if what == "intake" else place.raw.hold("spread", callers, seconds)


def _sites(place: Stage, plan: Plan) -> tuple[Stage, Stage]:
    """Return a new site and a large one, made when first asked for; they end with the stage they stand beside."""
    if place.beside is None:
        console = Console(stderr=True)
        stack = place.stack.enter_context(ExitStack())
        new = stack.enter_context(stage(items=len(place.skus)))
        large = stack.enter_context(stage(items=len(place.skus)))
        started = time.perf_counter()
        made = fill(large, plan.growth.holds, plan.growth.entries)
        console.print(f"filled with {plan.growth.describe()} in {time.perf_counter() - started:.0f} s")
        checked = books.check(large, made)
        console.print(f"verified in {checked.seconds:.0f} s: no differences")
        place.beside = (new, large)
    return place.beside
