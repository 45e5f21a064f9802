"""Versions of policies: what a business rule was worth, where, from when on."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from onhand.db import Base, BigInt, table

__all__ = ["PolicyVersion"]


class PolicyVersion(Base):
    """From `effective_from` on, a policy has this value within the scope its columns name; all null is the group.

    Rows are only added. One that `replaces` another, which must not have been in force yet, takes its place; if it
    `cancels`, it has no value and both are as if they had never been planned.
    """

    __tablename__ = "policy_version"
    __table_args__ = table(
        CheckConstraint("NOT cancels OR (replaces IS NOT NULL AND value = 'null')", name="cancels"),
        UniqueConstraint("replaces"),
        Index(
            "policy_version_moment_idx",
            "policy", "item_id", "category_id", "location_id", "channel_id", "entity_id", "effective_from", "replaces",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        schema="onhand",
        scope="group",
    )  # fmt: skip
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    policy: Mapped[str]
    item_id: Mapped[int | None]
    category_id: Mapped[int | None]
    location_id: Mapped[int | None]
    channel_id: Mapped[int | None]
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.entity.id"))
    value: Mapped[Any] = mapped_column(JSONB)
    effective_from: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    condition: Mapped[str | None]
    reason: Mapped[str | None]
    replaces: Mapped[int | None] = mapped_column(BigInt, ForeignKey("onhand.policy_version.id"))
    cancels: Mapped[bool] = mapped_column(server_default=text("false"))
