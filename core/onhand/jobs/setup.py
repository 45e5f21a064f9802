"""What one process knows about jobs: the actors of its add-ons, the carrier, the keeper. Built by the factory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app

from onhand.addons.registry import Addons
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
    """Gather the actors of the core and of every add-on; raise ValueError when two share a name.

    `namespace` keeps apart the ids of sites that share one Redis.
    """
    if not redis_url:
        raise ValueError("REDIS_URL is not set; `onhand dev` and `onhand demo` bring their own Redis")
    addons: Addons = app.extensions["onhand"]
    contributed = [*core, *addons.gather("actors"), *(schedule.actor for schedule in addons.gather("schedules"))]
    actors: dict[str, JobActor[Any]] = {}
    for actor in contributed:
        if actors.setdefault(actor.name, actor) is not actor:
            raise ValueError(f"two actors are named {actor.name!r}")
    queues = {actor.queue for actor in actors.values()} | set(addons.names)
    app.extensions["onhand.jobs"] = Jobs(
        actors, tuple(sorted(queues)), Carrier(redis_url, namespace=namespace), Keeper(app)
    )


def jobs() -> Jobs:
    """Return what the current app knows about jobs."""
    found: Jobs = current_app.extensions["onhand.jobs"]
    return found
