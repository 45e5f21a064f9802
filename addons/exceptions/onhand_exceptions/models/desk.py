"""What people do at the desk: acts that can be undone, views, ownership rules, and the count that the board shows."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Act", "ActRow", "OwnerRules", "Tally", "View"]

SCHEMA = "exceptions"


class Act(Base):
    """What a person did to several exceptions at once. Until `undo_until` they may take it back."""

    __tablename__ = "act"
    __table_args__ = table(
        CheckConstraint("verb IN ('assign', 'snooze', 'wake', 'resolve', 'comment')", name="verb"),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    verb: Mapped[str]
    actor: Mapped[str]
    actor_name: Mapped[str]
    recorded_at: Mapped[datetime]
    undo_until: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class ActRow(Base):
    """What an act did to one exception: refused, or what it was `before` and `after`; and whether undoing it failed."""

    __tablename__ = "act_row"
    __table_args__ = table(schema=SCHEMA, scope="entity")
    act_id: Mapped[UUID] = mapped_column(ForeignKey("exceptions.act.id"), primary_key=True)
    exception_id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    ordinal: Mapped[int]
    refusal: Mapped[str | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    undo_refusal: Mapped[str | None]


class View(Base):
    """A tab and filter that somebody keeps under a name, for themselves or, `shared`, for all who work in the entity."""

    __tablename__ = "view"
    __table_args__ = table(
        UniqueConstraint("entity_id", "user_id", "name"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name"),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    name: Mapped[str]
    tab: Mapped[str]
    query: Mapped[str]
    shared: Mapped[bool]
    recorded_at: Mapped[datetime]


class OwnerRules(Base):
    """A version of an entity's ownership rules; the newest counts. Rows are only added."""

    __tablename__ = "owner_rules"
    __table_args__ = table(Index(None, "entity_id", "id"), schema=SCHEMA, scope="entity")
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    text: Mapped[str]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    actor_name: Mapped[str]


class Tally(Base):
    """How many were open on a day at a location (0: at none) with a leading kind, and how many came and went that day."""

    __tablename__ = "tally"
    __table_args__ = table(schema=SCHEMA, scope="entity")
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str | None]
    open: Mapped[int]
    due_soon: Mapped[int]
    overdue: Mapped[int]
    long_overdue: Mapped[int]
    snoozed: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInt)
    unvalued: Mapped[int]
    opened: Mapped[int]
    resolved: Mapped[int]
    oldest_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
