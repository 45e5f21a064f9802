"""The relay: turns events of the outbox into one job per observing add-on."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.jobs.observers import observation
from onhand.jobs.queue import NewJob, insert
from onhand.transaction import context, run

__all__ = ["relay"]

log = structlog.get_logger("onhand.relay")

BATCH = 500
EVENTS_PER_JOB_MAX = 50

# The row locks are the lease: all of this work lies in one transaction, and a relay that dies lets go of its rows at
# once. Claiming by lock instead of by "id greater than the last" is what loses nothing: ids do not commit in order.
CLAIM = """
/* outbox.claim */ WITH claimed AS MATERIALIZED (
  SELECT id FROM onhand.outbox WHERE due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED
)
DELETE FROM onhand.outbox USING claimed WHERE outbox.id = claimed.id
RETURNING outbox.id, outbox.hook, outbox.entity_id, outbox.payload::text
"""


def relay() -> int:
    """Hand one batch of events to their observers; return how many events that were.

    An event's row goes and its jobs come in one transaction, so each observer has it exactly once in its queue,
    however many relays run. Observers are the add-ons that are on for the event's entity now, those that do not run
    just now among them: their jobs wait. None means it is dropped.
    """
    return run(_hand_over, entities=())


def _hand_over(session: Session, now: datetime) -> int:
    claimed = cursor(session).execute(CLAIM, (now, BATCH)).fetchall()
    told: dict[tuple[str, int], list[str]] = defaultdict(list)
    for _, hook, entity_id, payload in sorted(claimed):
        told[hook, entity_id].append(payload)
    insert(session, list(_jobs(session, told, now)), now=now)
    return len(claimed)


def _jobs(session: Session, told: dict[tuple[str, int], list[str]], now: datetime) -> Iterator[NewJob]:
    addons = context(session).addons
    for (hook, entity_id), payloads in told.items():
        observers = addons.observers(hook, entity_id, now)
        if not observers and not hasattr(addons.manager.hook, hook):
            log.warning("event_without_hook", hook=hook, entity_id=entity_id, events=len(payloads))
        for noun in observers:
            for start in range(0, len(payloads), EVENTS_PER_JOB_MAX):
                yield observation(noun, hook, entity_id, payloads[start : start + EVENTS_PER_JOB_MAX])
