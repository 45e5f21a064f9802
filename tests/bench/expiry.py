"""Holds that run out: how late a scheduler lets them go, when ten thousand are due at once and when 2,000 a second are."""

import subprocess
import time
from collections.abc import Iterator

from bench.measure import Figure, Plan, Run, alternate, figure
from bench.settling import prepare
from bench.stage import Stage

__all__ = ["expire"]

AT_ONCE = 10_000
PER_SECOND = 2_000
AHEAD_SECONDS = 1.0
GIVE_UP_SECONDS = 120.0
OUT_OF_THE_WAY = (
    "UPDATE reservations.hold SET expires_at = expires_at + interval '1 day'"
    " WHERE status = 'held' AND expires_at < now() + interval '1 hour'"
)
DUE = """
UPDATE reservations.hold h SET expires_at = %s::timestamptz + k.number * interval '1 second' * %s
FROM unnest(%s::uuid[]) WITH ORDINALITY AS k (id, number) WHERE h.id = k.id
"""
LATENESS = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(h.xmin) - h.expires_at)::float8
FROM reservations.hold h JOIN unnest(%s::uuid[]) AS k (id) ON k.id = h.id ORDER BY 1
"""


def expire(place: Stage, plan: Plan) -> Iterator[Figure]:
    """Waits are each hold's lateness: from its time to the commit that let it go. Raw lets 500 go a statement."""
    place.sql(OUT_OF_THE_WAY)
    place.sql("VACUUM ANALYZE reservations.hold")
    with place.scheduler() as process:
        sides = alternate(plan, lambda _: place.raw.expire(AT_ONCE), lambda _: _let_go(place, process, AT_ONCE, 0))
        last = max(wait for run in sides[0] for wait in run.waits)
        yield figure("expire", 1, *sides, note=f"{AT_ONCE:,} due at one instant; the last {last:.2f} s after")
        runs = [_let_go(place, process, int(PER_SECOND * max(plan.seconds, 1)), PER_SECOND) for _ in range(plan.rounds)]
        yield figure("expire", 1, runs, (), note=f"{PER_SECOND:,} a second, steadily")


def _let_go(place: Stage, process: "subprocess.Popen[bytes]", count: int, per_second: int) -> Run:
    """Hold, say when they are due, and wait until none is left; operations are holds let go."""
    ids = [str(one) for one in prepare(place, count, firm=False)]
    place.sql("VACUUM reservations.hold")
    [(due,)] = place.sql("SELECT clock_timestamp() + interval '1 second' * %s", AHEAD_SECONDS)
    place.sql(DUE, due, 1 / per_second if per_second else 0, ids)
    _wait(place, process, ids)
    waits = [late for (late,) in place.sql(LATENESS, ids)]
    took = max(waits[-1], count / per_second if per_second else 0.0)
    return Run(count, took, waits)


def _wait(place: Stage, process: "subprocess.Popen[bytes]", ids: list[str]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while _are_held(place, ids[-1:]) or _are_held(place, ids):  # mostly the last one is asked about, which costs little
        if time.monotonic() > deadline or process.poll() is not None:
            raise RuntimeError("the scheduler does not let holds go")
        time.sleep(0.05)


def _are_held(place: Stage, ids: list[str]) -> bool:
    held = "SELECT 1 FROM reservations.hold WHERE id = ANY(%s::uuid[]) AND status = 'held' LIMIT 1"
    return bool(place.sql(held, ids))
