"""Digests, and what they told: mails and deliveries."""

from datetime import date, datetime
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Delivery", "Digest", "Mail"]

SCHEMA = "exceptions"


class Digest(Base):
    """What is told, to whom and when: by mail, or to a program by webhook. One that has ended is kept with what it told.

    `address` is a team's mail address or a program's URL; `salt` is what makes the secret that its calls are signed with.
    """

    __tablename__ = "digest"
    __table_args__ = table(
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name"),
        CheckConstraint("per IN ('team', 'owner', 'webhook')", name="per"),
        CheckConstraint("days IN ('daily', 'weekdays', 'mondays')", name="days"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint("(per = 'owner') = (address IS NULL)", name="address_per"),
        CheckConstraint("(per = 'webhook') = (salt IS NOT NULL)", name="salt"),
        Index("digest_entity_id_name_key", "entity_id", "name", unique=True, postgresql_where=text("ended_at IS NULL")),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    name: Mapped[str]
    query: Mapped[str]
    per: Mapped[str]
    address: Mapped[str | None]
    days: Mapped[str]
    hour: Mapped[int] = mapped_column(SmallInteger)
    last_day: Mapped[date | None]
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    salt: Mapped[str | None]


class Mail(Base):
    """A mail as it was composed, once per digest, day and reader; `written_at` is when its file lay there."""

    __tablename__ = "mail"
    __table_args__ = table(
        UniqueConstraint("digest_id", "day", "address"),
        Index("mail_waiting_idx", "entity_id", "id", postgresql_where=text("written_at IS NULL")),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    entity_id: Mapped[int]
    digest_id: Mapped[int] = mapped_column(ForeignKey("exceptions.digest.id"))
    day: Mapped[date]
    address: Mapped[str]
    message: Mapped[str]
    recorded_at: Mapped[datetime]
    written_at: Mapped[datetime | None]


class Delivery(Base):
    """What a program is told of a day, and how that goes: delivered, tried again after `error`, or given up."""

    __tablename__ = "delivery"
    __table_args__ = table(
        UniqueConstraint("digest_id", "day"),
        CheckConstraint("delivered_at IS NULL OR given_up_at IS NULL", name="ended"),
        schema=SCHEMA,
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    digest_id: Mapped[int] = mapped_column(ForeignKey("exceptions.digest.id"))
    day: Mapped[date]
    url: Mapped[str]
    body: Mapped[str]
    recorded_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
