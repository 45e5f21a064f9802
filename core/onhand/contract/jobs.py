"""Jobs: each says why twice is harmless, none is tried for ever, and the clock can be read."""

from collections.abc import Iterable, Iterator

from onhand.contributions import Schedule
from onhand.jobs import JobActor

__all__ = ["actors", "schedules"]

ATTEMPTS_MAX = 25
SECONDS_MAX = 3_600


def actors(found: Iterable[JobActor[...]]) -> Iterator[str]:
    """Yield actors without a docstring, or whose attempts or time have no sensible bound."""
    for actor in found:
        if not (actor.function.__doc__ or "").strip():
            yield f"{actor.name} has no docstring: say what it does and why twice is harmless"
        if not 1 <= actor.attempts <= ATTEMPTS_MAX:
            yield f"{actor.name} is tried {actor.attempts} times; 1 to {ATTEMPTS_MAX} are sensible"
        if not 1 <= actor.seconds_max <= SECONDS_MAX:
            yield f"{actor.name} may hold its claim for {actor.seconds_max} s; 1 to {SECONDS_MAX} are sensible"


def schedules(found: Iterable[Schedule], noun: str) -> Iterator[str]:
    """Yield schedules that fall due never, always, or by a line that is no cron line, and jobs of another add-on."""
    for schedule in found:
        yield from schedule.faults()
        if schedule.actor.addon != noun:
            yield f"{schedule.name} does a job of {schedule.actor.addon}"
