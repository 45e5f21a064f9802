"""Actors: the functions that jobs name. Recorded where they are written, declared on a broker by the factory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec

__all__ = ["CORE", "OBSERVE", "JobActor", "actor", "noun_of"]

CORE = "onhand"
"""The core's own name among the nouns: always enabled, for every entity."""
OBSERVE = "observe"
"""What comes after the noun in the name of a job that tells events instead of calling an actor."""

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class JobActor(Generic[P]):
    """A function that jobs may name, and how patiently it is tried.

    It is called with the entities where its add-on is enabled or draining, and with the job's arguments as JSON gave
    them back; it opens `run(..., entities=entities)` itself. A job runs at least once, so it must be safe to run twice.
    """

    function: Callable[Concatenate[Sequence[int], P], None]
    addon: str
    queue: str
    attempts: int
    seconds_max: int

    @property
    def name(self) -> str:
        """The name stored on job rows: `<noun>.<function>`."""
        return f"{self.addon}.{self.function.__name__}"

    def __call__(self, entities: Sequence[int], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run it now, in this thread, without a job."""
        self.function(entities, *args, **kwargs)


def actor(
    *, queue: str | None = None, attempts: int = 5, seconds_max: int = 300, addon: str | None = None
) -> Callable[[Callable[Concatenate[Sequence[int], P], None]], JobActor[P]]:
    """Record a function as an actor of the add-on it is written in; the queue is named after the add-on by default.

    `attempts`: how often a job is claimed before it is parked. `seconds_max`: how long one attempt keeps its claim;
    after that it may be tried elsewhere, so work longer than this belongs into batches.
    """

    def record(function: Callable[Concatenate[Sequence[int], P], None]) -> JobActor[P]:
        noun = addon or noun_of(function)
        if function.__name__ == OBSERVE:
            raise ValueError(
                f"{noun}.{OBSERVE} is the job that tells events to an add-on: call the actor something else"
            )
        return JobActor(function, noun, queue or noun, attempts, seconds_max)

    return record


def noun_of(function: Callable[..., Any]) -> str:
    """Return the noun of the add-on a function is written in; the core's functions belong to `onhand`."""
    return function.__module__.partition(".")[0].removeprefix("onhand_")
