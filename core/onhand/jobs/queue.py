"""Adding jobs: rows written with the change that wants them, ids sent when it has committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.jobs.actors import JobActor
from onhand.jobs.carrier import Carrier, carrier
from onhand.transaction import after_commit, context

__all__ = ["NewJob", "enqueue", "insert", "resend"]

# A job of the same key that still waits takes the earlier of the two times.
INSERT = """
/* job.insert */ INSERT INTO onhand.job (queue, actor, entity_id, args, attempts_max, due_at, key, sent_at, recorded_at)
SELECT queue, actor, entity_id, args, attempts_max, coalesce(due_at, %(now)s), key,
       CASE WHEN coalesce(due_at, %(now)s) <= %(now)s THEN %(now)s END, %(now)s
FROM unnest(%(queues)s::text[], %(actors)s::text[], %(entities)s::int[], %(args)s::jsonb[], %(attempts)s::int[],
            %(due)s::timestamptz[], %(keys)s::text[])
     WITH ORDINALITY AS new(queue, actor, entity_id, args, attempts_max, due_at, key, position)
ORDER BY position
ON CONFLICT (actor, key) WHERE key IS NOT NULL
DO UPDATE SET due_at = EXCLUDED.due_at, sent_at = EXCLUDED.sent_at WHERE job.due_at > EXCLUDED.due_at
RETURNING id, queue, sent_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be added. `args` is JSON text, so that payloads pass through unread; no `due_at` means at once."""

    queue: str
    actor: str
    entity_id: int | None
    args: str
    attempts_max: int
    due_at: datetime | None = None
    key: str | None = None


def enqueue(
    session: Session,
    actor: JobActor[Any],
    *,
    entity_id: int | None = None,
    args: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    key: str | None = None,
) -> None:
    """Have an actor run after this transaction has committed, for one entity or for all where its add-on is active.

    While a job of the same actor and `key` waits to be claimed, no second one is added; the earlier time holds. Two
    transactions adding the same key wait for each other: take it where keys are taken, before balances are locked.
    """
    job = NewJob(
        queue=actor.queue,
        actor=actor.name,
        entity_id=entity_id,
        args=msgspec.json.encode(dict(args or {})).decode(),
        attempts_max=actor.attempts,
        due_at=due_at,
        key=key,
    )
    insert(session, [job], now=context(session).now)


def insert(session: Session, jobs: Sequence[NewJob], *, now: datetime) -> None:
    """Write job rows with one statement, and send the ids of those due at once after the commit. No key twice."""
    if not jobs:
        return
    values = {
        "now": now,
        "queues": [job.queue for job in jobs],
        "actors": [job.actor for job in jobs],
        "entities": [job.entity_id for job in jobs],
        "args": [job.args for job in jobs],
        "attempts": [job.attempts_max for job in jobs],
        "due": [job.due_at for job in jobs],
        "keys": [job.key for job in jobs],
    }
    rows = cursor(session).execute(INSERT, values).fetchall()
    _send_after_commit(session, [(queue, job_id) for job_id, queue, is_due in rows if is_due])


def resend(session: Session, ids: Sequence[int] | None, *, now: datetime) -> int:
    """Have parked jobs, all of them when `ids` is None, tried again from the first attempt; return how many were."""
    rows = cursor(session).execute(
        """/* job.resend */ UPDATE onhand.job SET status = 'queued', attempts = 0, due_at = %s, sent_at = %s
           WHERE status = 'parked' AND (%s::bigint[] IS NULL OR id = ANY(%s::bigint[])) RETURNING queue, id""",
        (now, now, ids and list(ids), ids and list(ids)),
    ).fetchall()  # fmt: skip
    _send_after_commit(session, [(row[0], row[1]) for row in rows])
    return len(rows)


def _send_after_commit(session: Session, ids: list[tuple[str, int]]) -> None:
    if ids:
        sender = carrier()
        after_commit(session, lambda: _send(sender, ids))


def _send(sender: Carrier, ids: list[tuple[str, int]]) -> None:
    sender.send(ids)  # whether Redis took them does not matter: the sweeper sends again what nobody claims
