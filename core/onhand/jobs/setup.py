"""What one process knows about jobs: the actors of its add-ons, the carrier, the keeper. Built by the factory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from onhand.addons.faults import BrokenAddon
from onhand.addons.registry import Addons
from onhand.contributions import Schedule
from onhand.jobs.actors import JobActor
from onhand.jobs.carrier import Carrier
from onhand.jobs.keeper import Keeper

__all__ = ["Jobs", "init_app", "jobs"]


@dataclass(frozen=True, slots=True)
class Jobs:
    """The actors by the name on job rows, the queues workers listen to, and who carries and keeps."""

    actors: Mapping[str, JobActor[Any]]
    queues: tuple[str, ...]
    carrier: Carrier
    keeper: Keeper


def init_app(app: Flask, *, redis_url: str, namespace: str, core: Iterable[JobActor[Any]] = ()) -> None:
    """Gather the actors of the core and of every add-on; BrokenAddon when two share a name.

    `namespace` keeps apart the ids of sites that share one Redis.
    """
    if not redis_url:
        raise ValueError("REDIS_URL is not set; `onhand dev` and `onhand demo` bring their own Redis")
    addons: Addons = app.extensions["onhand"]
    actors: dict[str, JobActor[Any]] = {actor.name: actor for actor in core}
    for noun, given in [*addons.gather_by_addon("actors"), *addons.gather_by_addon("schedules")]:
        for thing in given:
            actor = thing.actor if isinstance(thing, Schedule) else thing
            if not isinstance(actor, JobActor):
                raise BrokenAddon.of(noun, f"has a schedule {thing.name!r} of {actor!r}, which is no actor")
            if isinstance(thing, Schedule) and (unkept := next(thing.faults(), None)):
                raise BrokenAddon.of(noun, f"has a schedule that cannot be kept: {unkept}")
            if actors.setdefault(actor.name, actor) is not actor:
                raise BrokenAddon.of(noun, f"names an actor {actor.name!r}, and so does another", "name it otherwise")
    queues = {actor.queue for actor in actors.values()} | set(addons.names)
    app.extensions["onhand.jobs"] = Jobs(
        actors, tuple(sorted(queues)), Carrier(redis_url, namespace=namespace), Keeper(app)
    )


def jobs() -> Jobs:
    """Return what the current app knows about jobs."""
    found: Jobs = current_app.extensions["onhand.jobs"]
    return found
