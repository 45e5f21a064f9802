"""The sweeper: sends the ids of jobs that fell due or that Redis lost, and parks those that kill their workers."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.jobs.claims import park_exhausted
from onhand.jobs.setup import jobs
from onhand.transaction import run

__all__ = ["sweep"]

RESEND_AFTER = timedelta(seconds=5)
BATCH = 500
WAITING_MAX = 200
"""A queue with this many ids in Redis is served slowly, not lost: sending its jobs again would only make it longer."""

SWEEP = """
/* job.sweep */ WITH due AS MATERIALIZED (
  SELECT id FROM onhand.job
  WHERE status <> 'parked' AND due_at <= %s AND (sent_at IS NULL OR sent_at <= %s) AND queue <> ALL(%s)
  ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE onhand.job SET sent_at = %s FROM due WHERE job.id = due.id RETURNING queue, job.id
"""


def sweep() -> int:
    """Send what is due and unsent, or sent and unclaimed for some seconds; return how many jobs were touched."""
    carrier = jobs().carrier
    full = [queue for queue in jobs().queues if carrier.waiting(queue) > WAITING_MAX]

    def command(session: Session, now: datetime) -> tuple[int, list[tuple[str, int]]]:
        parked = park_exhausted(session, now=now)
        rows = cursor(session).execute(SWEEP, (now, now - RESEND_AFTER, full, BATCH, now)).fetchall()
        return parked, [(row[0], row[1]) for row in rows]

    parked, due = run(command, entities=())
    if due:
        carrier.send(due)
    return parked + len(due)
