"""Factors of packs through time, and changes that were asked for."""

from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer, Text

__all__ = ["ChangeRequest", "PackFactor"]


class PackFactor(Base):
    """From `effective_from` on, one `unit` of the item holds numerator/denominator base units; null: it is no pack.

    Rows are added once the item is in use, so that what occurred before is counted as it was then. The last is what
    `pack` says.
    """

    __tablename__ = "pack_factor"
    __table_args__ = table(
        CheckConstraint("numerator BETWEEN 1 AND 1000000000", name="numerator"),
        CheckConstraint("denominator BETWEEN 1 AND 1000000000", name="denominator"),
        CheckConstraint("(numerator IS NULL) = (denominator IS NULL)", name="whole"),
        schema="master_data",
        scope="group",
    )
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(ForeignKey("master_data.unit.code"), primary_key=True)
    effective_from: Mapped[datetime] = mapped_column(primary_key=True)
    numerator: Mapped[int | None] = mapped_column(BigInt)
    denominator: Mapped[int | None] = mapped_column(BigInt)
    recorded_at: Mapped[datetime]
    actor: Mapped[str]


class ChangeRequest(Base):
    """Changes of items, a location or a unit that go through an approval, and their day.

    `entities` are those concerned; `wishes` what shall become of what, `differences` what that meant when it was agreed.
    While it is `pending` the approval of its id says how far it has come.
    """

    __tablename__ = "change_request"
    __table_args__ = table(
        CheckConstraint("status IN ('pending', 'scheduled', 'applied', 'failed', 'withdrawn')", name="status"),
        CheckConstraint("subject IN ('item', 'location', 'unit')", name="subject"),
        CheckConstraint("cardinality(names) > 0", name="names"),
        Index("change_request_due_idx", "effective_at", postgresql_where=text("status = 'scheduled'")),
        Index("change_request_entities_idx", "entities", postgresql_using="gin"),
        schema="master_data",
        scope="group",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    approval_id: Mapped[UUID | None]
    subject: Mapped[str]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    title: Mapped[str]
    entities: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    wishes: Mapped[list[Any]] = mapped_column(JSONB)
    differences: Mapped[list[Any] | None] = mapped_column(JSONB)
    effective_at: Mapped[datetime | None]
    status: Mapped[str]
    detail: Mapped[str | None]
    note: Mapped[str | None]
    requested_at: Mapped[datetime]
    requester: Mapped[str]
    requester_name: Mapped[str]
    settled_at: Mapped[datetime | None]
