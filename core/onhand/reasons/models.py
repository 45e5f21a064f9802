"""Reason codes."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from onhand.db import Base, table

__all__ = ["ReasonCode"]


class ReasonCode(Base):
    """Why stock was changed, in one vocabulary for all entities. Never deleted: old entries name it.

    `kinds` are the kinds of movement it may be given for, by name; empty: for all. From `retired_at` on nobody may use
    it any more.
    """

    __tablename__ = "reason_code"
    __table_args__ = table(
        CheckConstraint("code ~ '^[a-z][a-z0-9_]{0,39}$'", name="code"),
        CheckConstraint("label <> ''", name="label"),
        schema="onhand",
        scope="group",
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    help: Mapped[str] = mapped_column(server_default=text("''"))
    kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    owner_user_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.user.id"))
    version: Mapped[int] = mapped_column(server_default="1")
    recorded_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
