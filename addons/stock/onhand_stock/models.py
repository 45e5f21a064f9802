"""The tables of the ledger, and every rule the database can hold."""

from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from onhand_stock.states import STATES

__all__ = [
    "Adjustment", "Balance", "Movement", "MovementKindRow", "Reversal", "Shortage", "ShortageClearance", "StockCount", "Transition",
    "Verification",
]  # fmt: skip

TIME = DateTime(timezone=True)
LOCATION = ["master_data.location.id", "master_data.location.entity_id"]
"""What a row's location and entity refer to together: a location never is another entity's."""


class MovementKindRow(Base):
    """A kind of movement, mirrored from the add-ons at migrate so that SQL can check the ledger."""

    __tablename__ = "movement_kind"
    __table_args__ = table(
        CheckConstraint("nature IN ('fact', 'intent')", name="nature"), schema="stock", scope="system"
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    nature: Mapped[str]
    permission: Mapped[str | None]
    needs_reason: Mapped[bool] = mapped_column(Boolean)
    is_value: Mapped[bool] = mapped_column(Boolean)


class Transition(Base):
    """A legal move of a kind, mirrored at migrate."""

    __tablename__ = "transition"
    __table_args__ = table(schema="stock", scope="system")
    kind: Mapped[str] = mapped_column(ForeignKey("stock.movement_kind.kind"), primary_key=True)
    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)


class Balance(Base):
    """One item at one location: a column per state. Written by the posting verb alone."""

    __table__ = Table(
        "balance",
        Base.metadata,
        Column("item_id", Integer, ForeignKey("master_data.item.id"), nullable=False),
        Column("location_id", Integer, nullable=False),
        Column("entity_id", Integer, ForeignKey("onhand.entity.id"), nullable=False),
        *(Column(state, BigInteger, nullable=False, server_default=text("0")) for state in STATES),
        Column("counted_at", TIME),
        Column("count_adjustment", BigInteger, nullable=False, server_default=text("0")),
        Column("count_explained", BigInteger, nullable=False, server_default=text("0")),
        PrimaryKeyConstraint("item_id", "location_id"),
        ForeignKeyConstraint(["location_id", "entity_id"], LOCATION),
        *(CheckConstraint(f"{state} >= 0", name=state) for state in STATES),
        CheckConstraint("available = 0 OR shortage = 0", name="no_stock_beside_shortage"),
        Index("balance_location_id_item_id_idx", "location_id", "item_id"),
        schema="stock",
        info={"scope": "entity"},
    )


class Movement(Base):
    """A ledger entry, named by (recorded_at, id). Append-only; partitioned by `recorded_at`."""

    __tablename__ = "movement"
    __table_args__ = table(
        CheckConstraint("quantity >= 0", name="quantity"),
        CheckConstraint("from_after >= 0", name="from_after"),
        CheckConstraint("to_after >= 0", name="to_after"),
        CheckConstraint("trigger <> ''", name="trigger"),
        CheckConstraint("actor <> ''", name="actor"),
        CheckConstraint("floor IS NULL OR from_after >= floor", name="floor"),
        CheckConstraint("from_location_id IS NOT NULL OR to_location_id IS NOT NULL", name="place"),
        Index("movement_item_id_id_idx", "item_id", "id"),
        schema="stock",
        scope="entity",
    )
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(
        BigInt,
        Sequence("movement_id_seq", schema="stock", data_type=BigInt),
        server_default=text("nextval('stock.movement_id_seq')"),
        primary_key=True,
    )
    entity_id: Mapped[int]
    item_id: Mapped[int]
    from_location_id: Mapped[int | None]
    to_location_id: Mapped[int | None]
    quantity: Mapped[int] = mapped_column(BigInt)
    value_minor: Mapped[int | None] = mapped_column(BigInt)
    from_after: Mapped[int | None] = mapped_column(BigInt)
    to_after: Mapped[int | None] = mapped_column(BigInt)
    floor: Mapped[int | None] = mapped_column(BigInt)
    occurred_at: Mapped[datetime]
    reverses_at: Mapped[datetime | None]
    reverses_id: Mapped[int | None] = mapped_column(BigInt)
    from_state: Mapped[str]
    to_state: Mapped[str]
    kind: Mapped[str]
    trigger: Mapped[str]
    actor: Mapped[str]
    source: Mapped[str]
    source_event: Mapped[str | None]
    reason: Mapped[str | None]
    correlation: Mapped[str | None]


class Reversal(Base):
    """That an entry has been reversed: at most once, for ever."""

    __tablename__ = "reversal"
    __table_args__ = table(schema="stock", scope="entity")
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    reversed_at: Mapped[datetime]


class Shortage(Base):
    """Units that left though the book had none, by the entry that took them, and how many have turned up since."""

    __tablename__ = "shortage"
    __table_args__ = table(
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("cleared BETWEEN 0 AND quantity", name="cleared"),
        Index(None, "item_id", "location_id"),
        Index(
            "shortage_doubtful_idx", "entity_id",
            postgresql_where=text("cleared < quantity OR cleared_occurred_at > occurred_at"),
        ),
        schema="stock",
        scope="entity",
    )  # fmt: skip
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    item_id: Mapped[int]
    location_id: Mapped[int]
    quantity: Mapped[int] = mapped_column(BigInt)
    cleared: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    occurred_at: Mapped[datetime]
    trigger: Mapped[str]
    cleared_occurred_at: Mapped[datetime | None]


class ShortageClearance(Base):
    """Which entry cleared how much of which shortage, and the entry that brought the units."""

    __tablename__ = "shortage_clearance"
    __table_args__ = table(CheckConstraint("quantity > 0", name="quantity"), schema="stock", scope="entity")
    opened_at: Mapped[datetime] = mapped_column(primary_key=True)
    opened_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    cleared_at: Mapped[datetime] = mapped_column(primary_key=True)
    cleared_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    raised_id: Mapped[int] = mapped_column(BigInt)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    quantity: Mapped[int] = mapped_column(BigInt)


class StockCount(Base):
    """An absolute count: what was on the shelf, what the book expected there, and what was posted for the difference."""

    __tablename__ = "stock_count"
    __table_args__ = table(
        CheckConstraint("counted >= 0", name="counted"),
        ForeignKeyConstraint(["location_id", "entity_id"], LOCATION),
        schema="stock",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"))
    location_id: Mapped[int]
    counted: Mapped[int] = mapped_column(BigInt)
    position: Mapped[int | None] = mapped_column(BigInt)
    expected: Mapped[int] = mapped_column(BigInt)
    adjustment: Mapped[int] = mapped_column(BigInt)
    counted_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]


class Verification(Base):
    """A run of the invariants: how many differences it found, and where."""

    __tablename__ = "verification"
    __table_args__ = table(schema="stock", scope="system")
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    recorded_at: Mapped[datetime]
    differences: Mapped[int]
    seconds: Mapped[float] = mapped_column(Double)
    findings: Mapped[Any] = mapped_column(JSONB)


class Adjustment(Base):
    """What somebody found, or wants to write off or mark down, and what became of it.

    `delta` units of `state`, of which the requester saw `seen`; a markdown changes `value_minor` alone. `status` is
    `waiting` while an approval decides, `recount` until somebody has counted; then it is `posted` at `posted_at`, or
    `dropped`, for what `outcome` says. A recount is `counted` at the ledger's `position`, and posted as `count_id`.
    """

    __tablename__ = "adjustment"
    __table_args__ = table(
        CheckConstraint("kind IN ('adjustment', 'write_off', 'markdown')", name="kind"),
        CheckConstraint("status IN ('waiting', 'recount', 'posted', 'dropped')", name="status"),
        CheckConstraint("(status = 'posted') = (posted_at IS NOT NULL)", name="posted"),
        CheckConstraint("(status = 'dropped') = (outcome IS NOT NULL)", name="dropped"),
        CheckConstraint("kind <> 'markdown' OR delta = 0 AND value_minor <> 0", name="markdown"),
        CheckConstraint("kind = 'markdown' OR delta <> 0 OR status = 'dropped'", name="delta"),
        CheckConstraint("kind <> 'write_off' OR delta < 0", name="write_off"),
        CheckConstraint("seen >= 0", name="seen"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("(counted IS NULL) = (recounted_at IS NULL)", name="recounted"),
        ForeignKeyConstraint(["location_id", "entity_id"], LOCATION),
        Index("adjustment_entity_id_recorded_at_id_idx", "entity_id", "recorded_at", "id"),
        Index("adjustment_requester_idx", "requester", "item_id", "location_id", "recorded_at"),
        Index("adjustment_recount_idx", "entity_id", postgresql_where=text("status = 'recount'")),
        schema="stock",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"))
    location_id: Mapped[int]
    kind: Mapped[str]
    state: Mapped[str]
    seen: Mapped[int] = mapped_column(BigInt)
    delta: Mapped[int] = mapped_column(BigInt)
    value_minor: Mapped[int | None] = mapped_column(BigInt)
    reason: Mapped[str]
    note: Mapped[str]
    status: Mapped[str]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    requester: Mapped[str]
    source: Mapped[str]
    is_trusted: Mapped[bool] = mapped_column(Boolean)
    approval_id: Mapped[UUID | None]
    counted: Mapped[int | None] = mapped_column(BigInt)
    position: Mapped[int | None] = mapped_column(BigInt)
    recounted_at: Mapped[datetime | None]
    recounted_by: Mapped[str | None]
    count_id: Mapped[UUID | None]
    posted_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
