"""Hooks: what being asked costs a hold, where nobody implements one and where ten add-ons do, doing nothing."""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onhand.addons import Addon, Addons
from onhand.addons.chains import chain_of
from onhand.addons.timeline import Timeline
from onhand.transaction import run

from bench import holds
from bench.measure import Figure, Plan, figure
from bench.stage import Stage

__all__ = ["hooks"]

TEN = 10
TURNS = 2_000
SINCE = datetime(2000, 1, 1, tzinfo=UTC)
TRIVIAL = """
from onhand.hooks import hookimpl


@hookimpl
def movement_posted(session, movements, now):
    pass
"""


def hooks(place: Stage, plan: Plan) -> Iterator[Figure]:
    """Hold alone, in the process; then time what its hooks cost, in the same process, and divide.

    Nobody: every hook that the verb comes to, as if none were implemented. Ten: `movement_posted` of ten add-ons more,
    each called through the boundary with the session of a hot transaction.
    """
    rounds = [holds.in_process(place, "spread", 1, plan.seconds) for _ in range(plan.rounds + 1)][1:]
    hold_seconds = statistics.median(wait for one in rounds for wait in one.waits)
    nobody, ten = run(lambda session, now: _costs(place, session, now), entities=[place.entity_id], is_hot=True)
    for what, seconds in (("no implementer", nobody), ("ten trivial ones", ten)):
        note = f"{what}: {seconds * 1e6:.1f} µs of a hold's {hold_seconds * 1e3:.2f} ms, {seconds / hold_seconds:.2%}"
        yield figure("hooks", 1, rounds, [], note)


def _costs(place: Stage, session: Any, now: datetime) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="onhand-hooks-") as folder:
        crowd = Addons([*place.addons, *_written(Path(folder))])
    crowd.timelines.value = Timeline((place.entity_id, noun, "enabled", SINCE) for noun in crowd.names)
    asked = len(chain_of(crowd, "reservations.hold"))

    def nobody() -> None:
        for _ in range(asked):
            if crowd.caller("exceptions_raised", place.entity_id, now) is not None:
                raise RuntimeError("somebody implements a hook that nobody was to")

    def ten() -> None:
        caller = crowd.caller("movement_posted", place.entity_id, now)
        for impl in caller.get_hookimpls() if caller else ():
            if impl.plugin_name.startswith("trivial_"):
                impl.function(*({"session": session, "movements": (), "now": now}[name] for name in impl.argnames))

    return _median_seconds(nobody), _median_seconds(ten)


def _median_seconds(call: Any) -> float:
    took = []
    for _ in range(TURNS):
        started = time.perf_counter()
        call()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def _written(folder: Path) -> Sequence[Addon]:
    sys.path.insert(0, str(folder))
    addons = [Addon(f"trivial_{n}", f"onhand-trivial-{n}", "1", f"onhand_trivial_{n}", ("stock",)) for n in range(TEN)]
    for addon in addons:
        (folder / addon.package).mkdir()
        (folder / addon.package / "__init__.py").touch()
        (folder / addon.package / "plugin.py").write_text(TRIVIAL)
    return addons
