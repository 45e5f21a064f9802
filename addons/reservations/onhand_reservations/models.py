"""The tables of reservations, and every rule the database can hold."""

from datetime import datetime
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Hold", "HoldLine", "Refusal"]


class Hold(Base):
    """A promise to a channel: held for a while, confirmed for good, settled once."""

    __tablename__ = "hold"
    __table_args__ = table(
        CheckConstraint("status IN ('held', 'confirmed', 'fulfilled', 'released', 'expired')", name="status"),
        CheckConstraint("(status IN ('fulfilled', 'released', 'expired')) = (settled_at IS NOT NULL)", name="settled"),
        CheckConstraint("status <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed"),
        CheckConstraint("(confirmed_at IS NULL) = (confirmed_by IS NULL)", name="confirmed_by"),
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        Index("hold_channel_id_reference_idx", "channel_id", "reference"),
        Index("hold_replaces_idx", "replaces", unique=True, postgresql_where=text("replaces IS NOT NULL")),
        Index("hold_due_idx", "expires_at", postgresql_where=text("status = 'held'")),
        Index(
            "hold_confirmed_idx",
            "confirmed_at",
            postgresql_where=text("status = 'confirmed' AND overdue_told_at IS NULL"),
        ),
        schema="reservations",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    channel_id: Mapped[int]
    reference: Mapped[str]
    status: Mapped[str]
    held_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    release_event: Mapped[str | None]
    replaces: Mapped[UUID | None]
    overdue_told_at: Mapped[datetime | None]
    actor: Mapped[str]


class HoldLine(Base):
    """Units of one item promised at one location. Each unit's promise ends exactly once: fulfilled or released.

    `lapsed` of the released units were let go by time, nobody having said so.
    """

    __tablename__ = "hold_line"
    __table_args__ = table(
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("fulfilled >= 0", name="fulfilled"),
        CheckConstraint("released >= 0", name="released"),
        CheckConstraint("lapsed BETWEEN 0 AND released", name="lapsed"),
        CheckConstraint("fulfilled + released <= quantity", name="each_unit_ends_once"),
        ForeignKeyConstraint(["item_id", "location_id"], ["stock.balance.item_id", "stock.balance.location_id"]),
        Index("hold_line_open_idx", "item_id", "location_id", postgresql_where=text("fulfilled + released < quantity")),
        schema="reservations",
        scope="entity",
    )
    hold_id: Mapped[UUID] = mapped_column(ForeignKey("reservations.hold.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    item_id: Mapped[int]
    location_id: Mapped[int]
    quantity: Mapped[int] = mapped_column(BigInt)
    fulfilled: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    released: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    lapsed: Mapped[int] = mapped_column(BigInt, server_default=text("0"))


class Refusal(Base):
    """The last time an item could not be promised at a location, and how much was asked for."""

    __tablename__ = "refusal"
    __table_args__ = table(schema="reservations", scope="entity")
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    channel_id: Mapped[int]
    quantity: Mapped[int] = mapped_column(BigInt)
    floor: Mapped[int] = mapped_column(BigInt)
    refused: Mapped[int] = mapped_column(BigInt)
    last_refused_at: Mapped[datetime]
