"""What channels do by themselves."""

import time
from collections.abc import Sequence
from datetime import datetime

from onhand.jobs import actor, enqueue
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_channels.feed_values import Answer
from onhand_channels.services import feeding, rejudge, watch

__all__ = ["feed_step", "publish_feed", "rejudge_reports", "watch_channels"]


SECONDS_MAX = 120
"""A job takes no batch after so long: what is due then gets another job."""


def feed_step(entities: Sequence[int]) -> int:
    """Mark what changed for channels that are fed, and have a job bring them what is due; twice is harmless.

    Returns 1 while keys are still to be gone through, else 0.
    """

    def command(session: Session, now: datetime) -> int:
        marked = feeding.mark(session, entities, now=now)
        for channel in feeding.ready(session, marked.channels, now=now):
            code, entity_id = channel.code, channel.entity_id
            enqueue(session, publish_feed, entity_id=entity_id, args={"channel": code}, key=f"feed:{channel.id}")
        return int(marked.is_behind)

    return run(command, entities=entities)


@actor(queue="channels", attempts=3)
def publish_feed(entities: Sequence[int], channel: str) -> None:
    """Bring a channel what is due, batch by batch within its budget.

    Twice is harmless: one at a time has the channel's turn, and a write that is repeated has the same name.
    """
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        batch = run(lambda session, now: feeding.take(session, channel, now=now), entities=entities)
        if batch is None:
            return
        if batch.writes:
            _settle(batch, feeding.bring(batch), entities)


def _settle(batch: feeding.Batch, answers: Sequence[Answer], entities: Sequence[int]) -> None:
    run(lambda session, now: feeding.settle(session, batch, answers, now=now), entities=entities)


@actor(queue="channels", attempts=3)
def rejudge_reports(entities: Sequence[int]) -> None:
    """Judge channels' own numbers of the last day anew. Twice is harmless: what is judged so already stays as it is."""
    run(lambda session, now: rejudge(session, entities, now=now), entities=entities)


@actor(queue="channels", attempts=3)
def watch_channels(entities: Sequence[int]) -> None:
    """Degrade channels that are not well, bring back those that are. Twice is harmless: what is so already stays so."""
    run(lambda session, now: watch(session, entities, now=now), entities=entities)
