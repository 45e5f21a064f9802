"""The job row. It is the job; what Redis carries is only its id."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from onhand.db import Base, BigInt, table

__all__ = ["Job"]


class Job(Base):
    """Work to be done once the transaction that asked for it has committed.

    `due_at` is when it may next be claimed: its time, its next try, or the end of the running claim. A job that is
    done has no row: its effect, the log and the metrics tell of it, and the table stays as small as the backlog.
    `key` keeps a second job of the same actor and key from being added while the first is unclaimed; a claim clears it.
    """

    __tablename__ = "job"
    __table_args__ = table(
        CheckConstraint("status IN ('queued', 'running', 'parked')", name="status"),
        CheckConstraint("(status = 'running') = (claim IS NOT NULL)", name="claim"),
        CheckConstraint("status <> 'parked' OR error IS NOT NULL", name="parked"),
        CheckConstraint("attempts >= 0 AND attempts_max > 0", name="attempts"),
        Index("job_due_at_idx", "due_at", postgresql_where=text("status <> 'parked'")),
        Index("job_actor_key_idx", "actor", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
        Index("job_claim_idx", "claim", postgresql_where=text("claim IS NOT NULL")),
        schema="onhand",
        scope="system",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    queue: Mapped[str]
    actor: Mapped[str]
    entity_id: Mapped[int | None]
    args: Mapped[dict[str, Any]]
    key: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="queued")
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    attempts_max: Mapped[int]
    claim: Mapped[UUID | None]
    error: Mapped[str | None]
    recorded_at: Mapped[datetime]
