"""Exceptions (one per episode of a cause), the evidence for them, and what happened to them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, desc, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

__all__ = ["SEARCHED", "Activity", "Evidence", "Exception_", "Filed", "Occurrence", "Word"]

SCHEMA = "exceptions"
OPEN = text("status = 'open'")
RESOLVED = text("status = 'resolved'")
SNOOZED = text("snooze IS NOT NULL")
SEARCHED = "to_tsvector('simple', title || ' ' || coalesce(sku, '') || ' ' || coalesce(location, ''))"
"""What a search for a phrase looks at, in rows that have its words."""


class Exception_(Base):  # noqa: N801 - the word of the field; the built-in keeps its name
    """One episode of a cause: from when it was first seen until it is gone or a person resolves it.

    `kind`, `title`, `quantity` and `severity` are those of the leading evidence: the severest kind that still holds.
    `sku` and `location` are how its evidence names item and place, for people to read and search.
    `reopened` counts how often it came back before it had been quiet long enough to be another episode.

    `state` says how it goes: new until somebody acts on it, ongoing, escalating once it is open longer than its service
    level (`due_at`), regressed when it came back. `for_review` waits for somebody to look; `snooze` keeps it from view
    until a date, until it is worse than `snooze_mark` units or `snooze_severity`, or until `count` reaches the mark.
    `amount_minor` is the money at risk, of the entity's currency, where it is known.
    """

    __tablename__ = "exception"
    __table_args__ = table(
        UniqueConstraint("entity_id", "cause_key", "episode"),
        CheckConstraint("episode > 0", name="episode"),
        CheckConstraint("status IN ('open', 'resolved')", name="status"),
        CheckConstraint("resolution IN ('gone', 'person')", name="resolution"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("first_seen_at <= last_seen_at", name="seen"),
        CheckConstraint(
            "(status = 'resolved') = (resolved_at IS NOT NULL)"
            " AND (status = 'resolved') = (resolution IS NOT NULL)"
            " AND (status = 'resolved') = (resolved_by IS NOT NULL)"
            " AND (status = 'resolved') = (reason IS NOT NULL)",
            name="resolved",
        ),
        CheckConstraint("state IN ('new', 'ongoing', 'escalating', 'regressed', 'resolved')", name="state"),
        CheckConstraint("(state = 'resolved') = (status = 'resolved')", name="state_status"),
        CheckConstraint("escalation BETWEEN 0 AND 2", name="escalation"),
        CheckConstraint("NOT for_review OR (status = 'open' AND snooze IS NULL)", name="review"),
        CheckConstraint("snooze IN ('date', 'worse', 'count')", name="snooze"),
        CheckConstraint(
            "(snooze IS NULL OR status = 'open')"
            " AND (snooze IS NOT DISTINCT FROM 'date') = (snooze_until IS NOT NULL)"
            " AND (snooze IS NOT NULL AND snooze <> 'date') = (snooze_mark IS NOT NULL)"
            " AND (snooze IS NOT DISTINCT FROM 'worse') = (snooze_severity IS NOT NULL)",
            name="snoozed",
        ),
        Index("exception_open_key", "entity_id", "cause_key", unique=True, postgresql_where=OPEN),
        Index("exception_inbox_idx", "entity_id", desc("severity"), "first_seen_at", "id", postgresql_where=OPEN),
        Index("exception_resolved_idx", "entity_id", desc("resolved_at"), desc("id"), postgresql_where=RESOLVED),
        Index(
            "exception_owner_idx", "owner_user_id", "entity_id", desc("severity"), "first_seen_at", "id",
            postgresql_where=OPEN,
        ),
        Index(
            "exception_location_idx", "entity_id", "location", desc("severity"), "first_seen_at", "id",
            postgresql_where=OPEN,
        ),
        Index("exception_order_idx", desc("severity"), "first_seen_at", "id", postgresql_where=OPEN),
        Index(
            "exception_review_idx", "entity_id", desc("severity"), "first_seen_at", "id",
            postgresql_where=text("for_review"),
        ),
        Index(
            "exception_state_idx", "entity_id", "state", desc("severity"), "first_seen_at", "id", postgresql_where=OPEN
        ),
        Index("exception_snoozed_idx", "entity_id", desc("severity"), "first_seen_at", "id", postgresql_where=SNOOZED),
        Index("exception_wakes_idx", "entity_id", "snooze_until", postgresql_where=text("snooze = 'date'")),
        Index(
            "exception_escalates_idx", "entity_id", "escalates_at",
            postgresql_where=text("escalates_at IS NOT NULL AND snooze IS NULL"),
        ),
        Index("exception_age_idx", "entity_id", "first_seen_at", postgresql_where=OPEN),
        Index(
            "exception_amount_idx", "entity_id", "amount_minor",
            postgresql_where=text("status = 'open' AND amount_minor IS NOT NULL"),
        ),
        Index("exception_location_id_idx", "entity_id", "location_id", postgresql_where=OPEN),
        Index("exception_opened_idx", "entity_id", "opened_at"),
        Index("exception_sku_idx", "entity_id", text('sku COLLATE "C"')),
        Index(
            "exception_resolved_location_idx", "entity_id", "location", desc("resolved_at"), desc("id"),
            postgresql_where=RESOLVED,
        ),
        schema=SCHEMA,
        scope="entity",
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    cause_key: Mapped[str]
    episode: Mapped[int]
    status: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str]
    item_id: Mapped[int | None]
    location_id: Mapped[int | None]
    sku: Mapped[str | None]
    location: Mapped[str | None]
    quantity: Mapped[int] = mapped_column(BigInt)
    count: Mapped[int]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    owner_user_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.user.id"))
    opened_at: Mapped[datetime]
    reopened: Mapped[int] = mapped_column(server_default="0")
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None]
    resolved_by: Mapped[str | None]
    reason: Mapped[str | None]
    state: Mapped[str]
    for_review: Mapped[bool]
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    due_at: Mapped[datetime]
    escalates_at: Mapped[datetime | None]
    escalation: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    unit_value_minor: Mapped[Decimal | None]
    amount_minor: Mapped[int | None] = mapped_column(BigInt)
    snooze: Mapped[str | None]
    snooze_until: Mapped[datetime | None]
    snooze_mark: Mapped[int | None] = mapped_column(BigInt)
    snooze_severity: Mapped[int | None] = mapped_column(SmallInteger)


class Word(Base):
    """A word of an exception's title, SKU or location, in lower case: from the beginning of a part of it to its end.

    Punctuation stands as one hyphen: `sku-777` and `777` of `SKU_777`. The database keeps these rows itself, by triggers
    on what they are read from. An index on text queries would not do: behind row-level security none is used, since
    matching them is not proven to leak nothing, whereas comparing texts is.
    """

    __tablename__ = "word"
    __table_args__ = table(
        Index("word_entity_id_word_exception_id_idx", "entity_id", "word", "exception_id"),
        schema=SCHEMA,
        scope="entity",
    )
    exception_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.exception.id"), primary_key=True)
    word: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    entity_id: Mapped[int]


def _filed(name: str, where: str, *leading: str) -> Index:
    last = ("resolved_at", "exception_id") if where == "status = 'resolved'" else ("severity",)
    order: list[Any] = [desc(column) for column in last] + ([] if len(last) > 1 else ["first_seen_at", "exception_id"])
    return Index(f"filed_{name}_idx", "entity_id", "kind", *leading, *order, postgresql_where=text(where))


class Filed(Base):
    """An exception under one kind of its evidence, with what lists are ordered by: an index leads to a page of a kind.

    The database keeps these rows itself, by triggers on what they are read from.
    """

    __tablename__ = "filed"
    __table_args__ = table(
        _filed("open", "status = 'open'"),
        _filed("open_location", "status = 'open'", "location"),
        _filed("open_owner", "status = 'open'", "owner_user_id"),
        _filed("review", "for_review"),
        _filed("review_location", "for_review", "location"),
        _filed("resolved", "status = 'resolved'"),
        _filed("resolved_location", "status = 'resolved'", "location"),
        schema=SCHEMA,
        scope="entity",
    )
    exception_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.exception.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    status: Mapped[str]
    for_review: Mapped[bool]
    severity: Mapped[int] = mapped_column(SmallInteger)
    first_seen_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    location: Mapped[str | None]
    owner_user_id: Mapped[int | None]


class Evidence(Base):
    """Why we think so: one row per exception and kind. `holds` is the kind's own last word on whether it is still true.

    `latest` is the newest occurrence by when it occurred, not by when it arrived; null `latest_at` means none has been
    delivered and the kind's own check found it.
    """

    __tablename__ = "evidence"
    __table_args__ = table(
        CheckConstraint("count >= 0", name="count"),
        CheckConstraint("first_seen_at <= last_seen_at", name="seen"),
        Index("evidence_kind_idx", "entity_id", "kind", "exception_id"),
        schema=SCHEMA,
        scope="entity",
    )
    exception_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.exception.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    severity: Mapped[int] = mapped_column(SmallInteger)
    holds: Mapped[bool]
    title: Mapped[str]
    quantity: Mapped[int] = mapped_column(BigInt)
    count: Mapped[int]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    latest: Mapped[dict[str, Any]]
    latest_at: Mapped[datetime | None]
    latest_digest: Mapped[bytes | None]


class Occurrence(Base):
    """One thing that was reported, once, however often it is delivered: the digest of what it says is its name."""

    __tablename__ = "occurrence"
    __table_args__ = table(
        Index("occurrence_exception_id_idx", "exception_id", desc("occurred_at"), desc("digest")),
        schema=SCHEMA,
        scope="entity",
    )
    entity_id: Mapped[int] = mapped_column(primary_key=True)
    cause_key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    exception_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.exception.id"))
    kind: Mapped[str]
    quantity: Mapped[int] = mapped_column(BigInt)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    evidence: Mapped[dict[str, Any]]


class Activity(Base):
    """What happened to an exception, in order. Rows are only added.

    `actor` and `actor_name` are who did it; `person_id` is the user it was assigned to, where it was assigned;
    `undoes` is what was taken back, where it was.
    """

    __tablename__ = "activity"
    __table_args__ = table(
        CheckConstraint(
            "verb IN ('raised', 'reopened', 'assigned', 'unassigned', 'commented', 'resolved', 'closed',"
            " 'escalated', 'snoozed', 'woken', 'undone')",
            name="verb",
        ),
        Index("activity_exception_id_idx", "exception_id", "id"),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    exception_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.exception.id"))
    entity_id: Mapped[int]
    verb: Mapped[str]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    actor_name: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.user.id"))
    note: Mapped[str | None]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("exceptions.activity.id"))
