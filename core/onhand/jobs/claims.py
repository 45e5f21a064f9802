"""Claims: who works on a job, for how long, and how it ends. Attempts are counted before the work, not after it."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from onhand.addons.faults import Passing
from onhand.db import cursor

__all__ = ["ClaimLost", "Claimed", "claim", "extend", "fail", "finish", "park_exhausted", "put_back", "split"]

LEASE = timedelta(seconds=10)
WAIT = timedelta(minutes=1)
ERROR_CHARACTERS_MAX = 4_000

CLAIMABLE = "status <> 'parked' AND due_at <= %(before)s AND attempts < attempts_max"
THE_ONE = f"SELECT id FROM onhand.job WHERE id = %(id)s AND {CLAIMABLE} FOR UPDATE SKIP LOCKED"
THE_NEXT = f"""
  SELECT id FROM onhand.job WHERE {CLAIMABLE} AND (%(queues)s::text[] IS NULL OR queue = ANY(%(queues)s))
  ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
CLAIM = """
/* job.claim */ WITH due AS MATERIALIZED ({due})
UPDATE onhand.job SET status = 'running', claim = gen_random_uuid(), key = NULL, sent_at = NULL,
  attempts = attempts + 1, due_at = %(now)s + %(lease)s
FROM due WHERE job.id = due.id
RETURNING job.id, queue, actor, entity_id, args::text, attempts, attempts_max, claim
"""

FAIL = """
/* job.fail */ UPDATE onhand.job SET claim = NULL, error = %(error)s, due_at = %(due)s,
  status = CASE WHEN attempts >= attempts_max THEN 'parked' ELSE 'queued' END
WHERE id = %(id)s AND claim = %(claim)s RETURNING status
"""

PARK = """
/* job.park */ UPDATE onhand.job SET status = 'parked', claim = NULL,
  error = coalesce(error || chr(10), '')
       || 'Attempt ' || attempts || ' of ' || attempts_max || ' ended without an answer: its worker died or hung.'
WHERE status <> 'parked' AND due_at <= %s AND attempts >= attempts_max
"""

SPLIT = """
/* job.split */ INSERT INTO onhand.job (queue, actor, entity_id, args, attempts_max, due_at, error, recorded_at)
SELECT queue, actor, entity_id, jsonb_set(args, '{events}', jsonb_build_array(event)),
       attempts_max, %s, error, recorded_at
FROM onhand.job, jsonb_array_elements(args -> 'events') WITH ORDINALITY AS events(event, position)
WHERE id = %s AND claim = %s ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job in work, and the token that proves it is ours."""

    id: int
    queue: str
    actor: str
    entity_id: int | None
    args: str
    attempts: int
    attempts_max: int
    claim: UUID


class ClaimLost(Passing):
    """The claim ran out and somebody else may have the job: what was done under it must not be kept."""


def claim(
    session: Session, *, now: datetime, job_id: int | None = None, queues: Collection[str] | None = None,
    overdue_by: timedelta = timedelta(0),
) -> Claimed | None:  # fmt: skip
    """Take one due job, counting the attempt: the one named, or else the longest due. None when there is none to take.

    A claim holds for a few seconds and is extended while its process lives, so the job of a killed worker is due again
    soon. One that is being claimed by somebody else at this moment is not waited for.
    """
    row = cursor(session).execute(
        CLAIM.format(due=THE_NEXT if job_id is None else THE_ONE),
        {"id": job_id, "queues": queues and list(queues), "before": now - overdue_by, "now": now, "lease": LEASE},
    ).fetchone()  # fmt: skip
    return Claimed(*row) if row else None


def extend(session: Session, claims: Collection[UUID], *, now: datetime) -> None:
    """Hold on to claims for another while. One whose row is locked, because it is being finished, is passed over."""
    cursor(session).execute(
        """/* job.extend */ WITH held AS MATERIALIZED (
             SELECT id FROM onhand.job WHERE claim = ANY(%s) FOR UPDATE SKIP LOCKED
           ) UPDATE onhand.job SET due_at = %s FROM held WHERE job.id = held.id""",
        (list(claims), now + LEASE),
    )


def finish(session: Session, claimed: Claimed) -> None:
    """Delete a job that is done; raise ClaimLost if it is no longer ours, so that what was done is rolled back."""
    done = cursor(session).execute("DELETE FROM onhand.job WHERE id = %s AND claim = %s", (claimed.id, claimed.claim))
    if done.rowcount != 1:
        raise ClaimLost(f"job {claimed.id} ({claimed.actor})")


def fail(session: Session, claimed: Claimed, error: str, *, now: datetime) -> str | None:
    """Have a job tried again after a while, or park it when its attempts are used up; return its new status.

    None if the claim was lost meanwhile. The pauses double from 2 seconds to 5 minutes, with jitter.
    """
    pause = min(2.0**claimed.attempts, 300.0) * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, not a secret
    row = cursor(session).execute(
        FAIL,
        {
            "id": claimed.id,
            "claim": claimed.claim,
            "due": now + timedelta(seconds=pause),
            "error": error[-ERROR_CHARACTERS_MAX:].replace("\x00", ""),
        },
    ).fetchone()  # fmt: skip
    return row[0] if row else None


def put_back(session: Session, claimed: Claimed, *, now: datetime) -> None:
    """Let a job wait a minute, without counting this attempt: who would do it, or offers what it tells, does not run."""
    cursor(session).execute(
        """/* job.put_back */ UPDATE onhand.job SET status = 'queued', claim = NULL, attempts = attempts - 1, due_at = %s
           WHERE id = %s AND claim = %s""",
        (now + WAIT, claimed.id, claimed.claim),
    )


def split(session: Session, claimed: Claimed, *, now: datetime) -> None:
    """Replace a job of several events by one job for each, so that a bad one harms only itself."""
    cursor(session).execute(SPLIT, (now, claimed.id, claimed.claim))
    finish(session, claimed)


def park_exhausted(session: Session, *, now: datetime) -> int:
    """Park jobs that took their worker down on every attempt; return how many."""
    return cursor(session).execute(PARK, (now,)).rowcount
