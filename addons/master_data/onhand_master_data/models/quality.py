"""Rules that items are held to, what breaks them, and the score that makes."""

from datetime import datetime
from typing import Any

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["DistinctPair", "Finding", "QualityScore", "RuleSetting"]


class RuleSetting(Base):
    """From `effective_from` until it is retired a rule holds for the items of a category (all) of an entity (all).

    `blocks`: what breaks it is refused when an item is saved; otherwise it only counts.
    """

    __tablename__ = "rule_setting"
    __table_args__ = table(
        CheckConstraint("retired_at >= effective_from OR retired_at IS NULL", name="retired_at"),
        schema="master_data",
        scope="group",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    rule: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("master_data.category.id"))
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.entity.id"))
    parameter: Mapped[str]
    blocks: Mapped[bool]
    effective_from: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]


class Finding(Base):
    """Something that is wrong with an item that the entity stocks, by the rule that says so."""

    __tablename__ = "finding"
    __table_args__ = table(
        CheckConstraint("points > 0", name="points"),
        Index("finding_entity_id_rule_item_id_idx", "entity_id", "rule", "item_id"),
        schema="master_data",
        scope="entity",
    )
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str]
    message: Mapped[str]
    points: Mapped[int]
    found_at: Mapped[datetime]


class QualityScore(Base):
    """How good an entity's item master was when it was measured: 0 to 100, and how many findings of which rule."""

    __tablename__ = "quality_score"
    __table_args__ = table(
        CheckConstraint("score BETWEEN 0 AND 100", name="score"), schema="master_data", scope="entity"
    )
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), primary_key=True)
    measured_at: Mapped[datetime] = mapped_column(primary_key=True)
    score: Mapped[Any] = mapped_column(Numeric(5, 2))
    items: Mapped[int]
    with_findings: Mapped[int]
    findings: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(BigInt)


class DistinctPair(Base):
    """Two items that look near-same and are not, the older first: somebody looked. Rows are only added."""

    __tablename__ = "distinct_pair"
    __table_args__ = table(CheckConstraint("item_id < other_id", name="order"), schema="master_data", scope="group")
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    note: Mapped[str | None]
