"""Entities, and which add-on is switched on for which of them from when on."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from onhand.db import Base, BigInt, table

__all__ = ["AddonHealth", "Enablement", "Entity", "MigrationFailure"]


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
    """From `effective_from` on, an add-on has this state for an entity. Rows are only added.

    Those without an entity switch it off everywhere, whatever it is for each entity, until it is resumed.
    """

    __tablename__ = "enablement"
    __table_args__ = table(
        CheckConstraint(
            "CASE WHEN entity_id IS NULL THEN state IN ('suspended', 'resumed') "
            "ELSE state IN ('enabled', 'draining', 'disabled') END",
            name="state",
        ),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.entity.id"))
    addon: Mapped[str]
    state: Mapped[str]
    effective_from: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str | None]


class MigrationFailure(Base):
    """An add-on whose tables could not be brought up to date, by the last `onhand migrate`."""

    __tablename__ = "migration_failure"
    __table_args__ = table(schema="onhand", scope="system")
    addon: Mapped[str] = mapped_column(primary_key=True)
    error: Mapped[str]
    failed_at: Mapped[datetime]


class AddonHealth(Base):
    """How an add-on's hooks fared in one minute, over all processes.

    `durations[n]`: how many calls took less than 2ⁿ⁻¹ µs, and no less than half of that; `error` is the last.
    """

    __tablename__ = "addon_health"
    __table_args__ = table(schema="onhand", scope="system")
    addon: Mapped[str] = mapped_column(primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    durations: Mapped[list[int]] = mapped_column(ARRAY(BigInt))
    errors: Mapped[int] = mapped_column(BigInt)
    error: Mapped[str | None]
    failed_at: Mapped[datetime | None]
