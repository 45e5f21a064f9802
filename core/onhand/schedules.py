"""Schedules: jobs that fall due again and again. Contributed as data, kept as rows, turned into jobs by one leader."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cronsim import CronSim
from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from onhand.contributions import Schedule
from onhand.db import Base, cursor, table
from onhand.jobs.queue import enqueue
from onhand.jobs.setup import jobs
from onhand.transaction import run

__all__ = ["ScheduleRow", "mirror", "next_time", "tick"]


class ScheduleRow(Base):
    """When a contributed schedule is due next, and when it last ran."""

    __tablename__ = "schedule"
    __table_args__ = table(
        CheckConstraint("num_nonnulls(every, cron) = 1 AND every > interval '0'", name="rhythm"),
        schema="onhand",
        scope="system",
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str]
    every: Mapped[timedelta | None]
    cron: Mapped[str | None]
    due_at: Mapped[datetime]
    ran_at: Mapped[datetime | None]


def mirror(session: Session, schedules: Sequence[Schedule], *, now: datetime) -> None:
    """Make the rows say what the add-ons contribute; a schedule whose rhythm is unchanged keeps its time.

    A new one with `every` is due at once, one with `cron` at its next match. Raises CronSimError on a bad cron line.
    """
    sql = cursor(session)
    sql.execute("DELETE FROM onhand.schedule WHERE name <> ALL(%s)", ([schedule.name for schedule in schedules],))
    for schedule in sorted(schedules, key=lambda schedule: schedule.name):
        first = now if schedule.cron is None else next_time(now, now, None, schedule.cron)
        sql.execute(
            """INSERT INTO onhand.schedule AS old (name, actor, every, cron, due_at) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (name) DO UPDATE SET actor = EXCLUDED.actor, every = EXCLUDED.every, cron = EXCLUDED.cron,
                 due_at = CASE WHEN (old.every, old.cron) IS DISTINCT FROM (EXCLUDED.every, EXCLUDED.cron)
                               THEN EXCLUDED.due_at ELSE old.due_at END""",
            (schedule.name, schedule.actor.name, schedule.every, schedule.cron, first),
        )


def tick() -> int:
    """Make a job for every schedule that is due; return how many.

    However many times were missed, one job is made; and none while the last one still waits to be claimed. Two
    schedulers at once do no harm: each row is taken by one.
    """

    def command(session: Session, now: datetime) -> int:
        sql = cursor(session)
        due = sql.execute(
            "SELECT name, actor, every, cron, due_at FROM onhand.schedule WHERE due_at <= %s ORDER BY name"
            " FOR UPDATE SKIP LOCKED",
            (now,),
        ).fetchall()
        for name, actor, every, cron, due_at in due:
            if actor in jobs().actors:
                enqueue(session, jobs().actors[actor], key=f"schedule:{name}")
            sql.execute(
                "UPDATE onhand.schedule SET due_at = %s, ran_at = %s WHERE name = %s",
                (next_time(due_at, now, every, cron), now, name),
            )
        return len(due)

    return run(command, entities=())


def next_time(due_at: datetime, now: datetime, every: timedelta | None, cron: str | None) -> datetime:
    """Return the first time after `now`, in step with `due_at` or by the cron line in UTC."""
    if cron is not None:
        return next(CronSim(cron, now))
    if every is None:
        raise ValueError("a schedule has a rhythm: every or cron")
    missed = max((now - due_at) // every, 0)
    return due_at + every * (missed + 1)
