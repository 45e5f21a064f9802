"""Performing: claim a job, call what it names, and say how it went."""

import time
import traceback
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import structlog
from flask import current_app
from sqlalchemy.orm import Session

from onhand.addons.registry import Addons
from onhand.db import cursor
from onhand.jobs.actors import CORE, JobActor
from onhand.jobs.claims import Claimed, ClaimLost, claim, fail, finish, put_back
from onhand.jobs.observers import is_observation, is_unoffered, observe
from onhand.jobs.setup import jobs
from onhand.metrics import job_seconds
from onhand.transaction import context, run

__all__ = ["Outcome", "UnknownActor", "active_entities", "perform"]

log = structlog.get_logger("onhand.jobs")

Outcome = Literal["done", "failed", "parked", "lost"]
OBSERVER_SECONDS_MAX = 60


class UnknownActor(Exception):
    """A job names a function that no installed add-on has."""


def perform(
    job_id: int | None = None, *, queues: Collection[str] | None = None, overdue_by: timedelta = timedelta(0)
) -> Outcome | None:
    """Claim one due job and run it; return its outcome, or None when there was nothing to take.

    Whatever the job raises is kept on its row, never raised here: it is tried again after a pause, and parked when its
    attempts are used up. A job of an add-on that does not run waits until it does, and so do events that such a one offers.
    """

    def take(session: Session, now: datetime) -> tuple[Claimed, tuple[int, ...]] | None:
        claimed = claim(session, now=now, job_id=job_id, queues=queues, overdue_by=overdue_by)
        if claimed is None:
            return None
        if context(session).addons.is_idle(_noun(claimed), now) or is_unoffered(session, claimed, now):
            put_back(session, claimed, now=now)
            return None
        return claimed, _scope(session, claimed, now)

    taken = run(take, entities=())
    if taken is None:
        return None
    claimed, entities = taken
    actor = jobs().actors.get(claimed.actor)
    started = time.perf_counter()
    with jobs().keeper.keep(claimed, seconds_max=actor.seconds_max if actor else OBSERVER_SECONDS_MAX):
        outcome = _attempt(claimed, actor, entities)
    job_seconds.labels(claimed.actor, outcome).observe(time.perf_counter() - started)
    return outcome


def _attempt(claimed: Claimed, actor: JobActor[Any] | None, entities: tuple[int, ...]) -> Outcome:
    try:
        if is_observation(claimed):
            observe(claimed)
        else:
            _call(claimed, actor, entities)
            run(lambda session, _: finish(session, claimed), entities=())
    except ClaimLost:
        log.warning("claim_lost", job=claimed.id, actor=claimed.actor, attempt=claimed.attempts)
        return "lost"
    except Exception as error:
        return _failed(claimed, error)
    return "done"


def _call(claimed: Claimed, actor: JobActor[Any] | None, entities: tuple[int, ...]) -> None:
    if actor is None:
        raise UnknownActor(f"no installed add-on has an actor {claimed.actor!r}")
    if entities:
        addons: Addons = current_app.extensions["onhand"]
        addons.boundary.at_work(
            _noun(claimed), claimed.actor, "job", lambda: actor(entities, **msgspec.json.decode(claimed.args)),
            seconds_max=actor.seconds_max,
        )  # fmt: skip


def _noun(claimed: Claimed) -> str:
    return claimed.actor.partition(".")[0]


def _failed(claimed: Claimed, error: Exception) -> Outcome:
    told = "".join(traceback.format_exception(error))
    status = run(lambda session, now: fail(session, claimed, told, now=now), entities=())
    outcome: Outcome = "parked" if status == "parked" else "failed" if status else "lost"
    log.warning(
        f"job_{outcome}", job=claimed.id, actor=claimed.actor, entity_id=claimed.entity_id,
        attempt=claimed.attempts, error=f"{type(error).__name__}: {error}",
    )  # fmt: skip
    return outcome


def _scope(session: Session, claimed: Claimed, now: datetime) -> tuple[int, ...]:
    entities = active_entities(session, _noun(claimed), now)
    return entities if claimed.entity_id is None else tuple(id_ for id_ in entities if id_ == claimed.entity_id)


def active_entities(session: Session, noun: str, now: datetime) -> tuple[int, ...]:
    """Return the entities where an add-on is enabled or draining; for the core itself, all."""
    rows = cursor(session).execute("SELECT id FROM onhand.entity ORDER BY id").fetchall()
    entities = tuple(row[0] for row in rows)
    return entities if noun == CORE else context(session).addons.entities_with(noun, entities, now, draining=True)
