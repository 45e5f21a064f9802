"""Two tables: where files come from and what their columns mean; and what became of every file."""

from datetime import datetime
from uuid import UUID

from onhand.db import Base, table
from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["File", "Source"]


class Source(Base):
    """Files of one kind for one channel. Its name is the name of its folder, so it is given once in the group."""

    __tablename__ = "source"
    __table_args__ = table(
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9_-]{0,39}$'", name="name"),
        Index(None, "name", unique=True),
        schema="csv_drop",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    name: Mapped[str]
    channel: Mapped[str]
    event_type: Mapped[str]
    location: Mapped[str]
    zone: Mapped[str]
    columns: Mapped[dict[str, str]] = mapped_column(JSONB)


class File(Base):
    """A file that was taken, once: the same bytes, left under the same name at the same time, are the same file."""

    __tablename__ = "file"
    __table_args__ = table(
        CheckConstraint("posted >= 0 AND refused >= 0 AND rows >= posted + refused", name="rows"),
        Index(None, "source_id", "digest", "name", "left_at", unique=True),
        Index(None, "entity_id", "recorded_at"),
        schema="csv_drop",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    source_id: Mapped[UUID] = mapped_column(ForeignKey("csv_drop.source.id"))
    name: Mapped[str]
    digest: Mapped[str]
    left_at: Mapped[datetime]
    rows: Mapped[int]
    posted: Mapped[int]
    refused: Mapped[int]
    outcome: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
