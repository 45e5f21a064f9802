"""Entities, and which add-on is switched on for which of them from when on."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column

from onhand.db import Base, BigInt, table

__all__ = ["Enablement", "Entity"]


class Entity(Base):
    """A legal entity, brand or country that owns stock. The group is the root above all of them and has no row."""

    __tablename__ = "entity"
    __table_args__ = table(
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$'", name="code"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    currency: Mapped[str]
    country: Mapped[str]
    time_zone: Mapped[str]
    recorded_at: Mapped[datetime]


class Enablement(Base):
    """From `effective_from` on, an add-on has this state for an entity. Rows are only added."""

    __tablename__ = "enablement"
    __table_args__ = table(
        CheckConstraint("state IN ('enabled', 'draining', 'disabled')", name="state"),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    addon: Mapped[str]
    state: Mapped[str]
    effective_from: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
