"""Notices to people."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from onhand.addons.models import Entity
from onhand.db import Base, BigInt, table

__all__ = ["Notice"]

UNREAD = text("read_at IS NULL")


class Notice(Base):
    """Something one person should know. Of one key a person has one unread notice per entity, the newest.

    Without an entity it concerns the whole group.
    """

    __tablename__ = "notice"
    __table_args__ = table(
        CheckConstraint("href IS NULL OR href ~ '^/[^/\\\\]' OR href = '/'", name="href"),
        Index("notice_user_id_id_idx", "user_id", desc("id")),
        Index(
            "notice_unread_key",
            "user_id",
            "entity_id",
            "key",
            unique=True,
            postgresql_where=UNREAD,
            postgresql_nulls_not_distinct=True,
        ),
        schema="onhand",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    key: Mapped[str]
    text: Mapped[str]
    href: Mapped[str | None]
    recorded_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
