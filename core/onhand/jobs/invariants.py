"""What must hold of outbox and jobs (I11): nothing due waits beyond its time, and what is given up says why."""

from onhand.contributions import Invariant

__all__ = ["INVARIANTS"]

INVARIANTS = [
    Invariant(
        code="I11",
        name="nothing due waits",
        explains="An event or a job has been due for over a minute: do a scheduler and a worker run, and keep up?",
        sql="""
            SELECT 'outbox' AS waiting, hook AS what, id, due_at FROM onhand.outbox
            WHERE due_at < clock_timestamp() - interval '1 minute'
            UNION ALL
            SELECT 'job', actor, id, due_at FROM onhand.job
            WHERE status <> 'parked' AND due_at < clock_timestamp() - interval '1 minute'
        """,
    ),
    Invariant(
        code="I11",
        name="parked jobs say why",
        explains="A job that was given up keeps the error of its last try, and was tried.",
        sql="""
            SELECT id, actor, attempts, attempts_max FROM onhand.job
            WHERE status = 'parked' AND (coalesce(error, '') = '' OR attempts < 1)
        """,
    ),
]
