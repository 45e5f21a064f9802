"""The tables of channels, and every rule the database can hold."""

from datetime import datetime
from typing import Any

from onhand.db import Base, BigInt, table
from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from onhand_channels.states import FIRST, STATES, TRANSITIONS

__all__ = [
    "KINDS", "Channel", "ChannelLocation", "Event", "EventConflict", "Feed", "FeedKey", "LifecycleStep", "OrderLine",
    "ShadowLine", "StockReport",
]  # fmt: skip

KINDS = ("pos", "ecommerce", "call_centre", "marketplace")
LEGAL = tuple((before, after) for before, others in TRANSITIONS.items() for after in others)


class Channel(Base):
    """Where demand comes from. Belongs to one entity for good. A trigger lets `state` take legal steps only."""

    __tablename__ = "channel"
    __table_args__ = table(
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'", name="code"),
        CheckConstraint("name <> ''", name="name"),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("mode IN ('normal', 'raise_buffer', 'stop_holds')", name="mode"),
        CheckConstraint("mode_by IN ('policy', 'hand')", name="mode_by"),
        CheckConstraint("buffer_raise >= 0 AND (buffer_raise = 0 OR mode = 'raise_buffer')", name="buffer_raise"),
        UniqueConstraint("id", "entity_id"),
        schema="channels",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    mode: Mapped[str] = mapped_column(server_default=text("'normal'"))
    mode_by: Mapped[str] = mapped_column(server_default=text("'policy'"))
    mode_reason: Mapped[str | None]
    mode_since: Mapped[datetime | None]
    buffer_raise: Mapped[int] = mapped_column(server_default=text("0"))
    recorded_at: Mapped[datetime]


class ChannelLocation(Base):
    """A location that a channel sells from, both of one entity; lower positions are asked first."""

    __tablename__ = "channel_location"
    __table_args__ = table(
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        ForeignKeyConstraint(
            ["location_id", "entity_id"], ["master_data.location.id", "master_data.location.entity_id"]
        ),
        UniqueConstraint("channel_id", "position"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    position: Mapped[int]


class Event(Base):
    """An event as it arrived, once per (channel, id) for ever; the body is kept as sent, understood or not."""

    __tablename__ = "event"
    __table_args__ = table(
        CheckConstraint("outcome IN ('posted', 'parked', 'shadowed')", name="outcome"),
        CheckConstraint(
            "CASE outcome WHEN 'parked' THEN reason IS NOT NULL WHEN 'posted' THEN reason IS NULL ELSE true END",
            name="parked_reason",
        ),
        CheckConstraint("detail IS NULL OR reason IS NOT NULL", name="detail"),
        Index(
            "event_parked_idx", "entity_id", "channel_id", "recorded_at", postgresql_where=text("outcome = 'parked'")
        ),
        Index(
            "event_shadowed_idx",
            "entity_id",
            "channel_id",
            "recorded_at",
            postgresql_where=text("outcome = 'shadowed'"),
        ),
        Index("event_channel_id_recorded_at_idx", "channel_id", "recorded_at"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    type: Mapped[str]
    occurred_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    posted_at: Mapped[datetime | None]
    body: Mapped[str]


class EventConflict(Base):
    """Another body that came under the id of an event that was kept before, once per body. It moved nothing."""

    __tablename__ = "event_conflict"
    __table_args__ = table(
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="settled"),
        Index("event_conflict_open_idx", "entity_id", "recorded_at", postgresql_where=text("settled_at IS NULL")),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    recorded_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    note: Mapped[str | None]
    body: Mapped[str]


class OrderLine(Base):
    """The facts of an order line: sums that only grow, whatever the order of arrival."""

    __tablename__ = "order_line"
    __table_args__ = table(
        *(CheckConstraint(f"{fact} >= 0", name=fact) for fact in ("ordered", "cancelled", "fulfilled", "returned")),
        Index("order_line_item_id_idx", "item_id"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_reference: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    ordered: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    cancelled: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    fulfilled: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    returned: Mapped[int] = mapped_column(BigInt, server_default=text("0"))


class LifecycleStep(Base):
    """A step of a channel's life, with the checklist as it was then. Rows are only ever added."""

    __tablename__ = "lifecycle_step"
    __table_args__ = table(
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        CheckConstraint(
            f"(from_state IS NULL AND to_state IN {FIRST}) OR (from_state, to_state) IN {LEGAL}", name="legal"
        ),
        Index("lifecycle_step_channel_id_id_idx", "channel_id", "id"),
        schema="channels",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    channel_id: Mapped[int]
    entity_id: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    actor_name: Mapped[str]
    reason: Mapped[str | None]
    checks: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ShadowLine(Base):
    """What a line of a shadow channel's event would have posted, against the book as it stood; it moved nothing."""

    __tablename__ = "shadow_line"
    __table_args__ = table(
        CheckConstraint("shortage BETWEEN 0 AND quantity", name="shortage"),
        Index("shadow_line_channel_id_recorded_at_idx", "channel_id", "recorded_at"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    recorded_at: Mapped[datetime]
    kind: Mapped[str]
    item_id: Mapped[int]
    location_id: Mapped[int | None]
    quantity: Mapped[int] = mapped_column(BigInt)
    shortage: Mapped[int] = mapped_column(BigInt, server_default=text("0"))


class StockReport(Base):
    """A channel's newest own number of an item at a location, beside what the book had at that moment."""

    __tablename__ = "stock_report"
    __table_args__ = table(
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        CheckConstraint("theirs >= 0", name="theirs"),
        CheckConstraint("tolerance >= 0", name="tolerance"),
        CheckConstraint("(acknowledged_at IS NULL) = (acknowledged_by IS NULL)", name="acknowledged"),
        CheckConstraint("NOT (is_gap AND acknowledged_at IS NOT NULL)", name="gap"),
        Index("stock_report_gap_idx", "entity_id", "channel_id", postgresql_where=text("is_gap")),
        Index("stock_report_entity_id_as_of_idx", "entity_id", "as_of"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    category_id: Mapped[int | None]
    as_of: Mapped[datetime]
    event_id: Mapped[str]
    recorded_at: Mapped[datetime]
    theirs: Mapped[int] = mapped_column(BigInt)
    ours: Mapped[int] = mapped_column(BigInt)
    tolerance: Mapped[int] = mapped_column(BigInt)
    is_gap: Mapped[bool]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]


class Feed(Base):
    """How far a channel's feed is: up to when the ledger was read, what is left of its budget, who is at work.

    `terms` are what its numbers depend on beside balances; when they change, all of its keys are gone through again,
    item by item from `seed_from` on.
    """

    __tablename__ = "feed"
    __table_args__ = table(
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        CheckConstraint("tokens >= 0", name="tokens"),
        schema="channels",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    terms: Mapped[str]
    read_from: Mapped[datetime]
    seed_from: Mapped[int | None]
    tokens: Mapped[float] = mapped_column(Double, server_default=text("0"))
    refilled_at: Mapped[datetime]
    paused_until: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]


class FeedKey(Base):
    """An item at a location as a channel is to know it: changes marked, a write under way, the number acknowledged.

    Due is what changed after it was last settled. `sent_*` are of the write whose answer is not known yet, and
    `maybe_quantity` is the number of an earlier one whose answer never came.
    """

    __tablename__ = "feed_key"
    __table_args__ = table(
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"]),
        CheckConstraint("acknowledged_quantity >= 0", name="acknowledged_quantity"),
        CheckConstraint("in_flight >= 0", name="in_flight"),
        CheckConstraint("settled_seq <= change_seq AND sent_seq <= change_seq", name="seq"),
        CheckConstraint(
            "(sent_seq IS NULL) = (sent_quantity IS NULL) AND (sent_seq IS NULL) = (sent_at IS NULL)", name="sent"
        ),
        CheckConstraint("(acknowledged_quantity IS NULL) = (acknowledged_at IS NULL)", name="acknowledged"),
        CheckConstraint("parked_at IS NULL OR reason IS NOT NULL", name="parked"),
        Index(
            "feed_key_due_idx", "channel_id", "changed_at",
            postgresql_where=text("change_seq > settled_seq AND parked_at IS NULL"),
        ),
        Index("feed_key_parked_idx", "channel_id", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
        Index("feed_key_stale_idx", "entity_id", postgresql_where=text("stale > 1")),
        Index("feed_key_in_flight_idx", "channel_id", "in_flight_since", postgresql_where=text("in_flight > 0")),
        Index("feed_key_channel_id_acknowledged_at_idx", "channel_id", "acknowledged_at"),
        schema="channels",
        scope="entity",
    )  # fmt: skip
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    changed_at: Mapped[datetime]
    change_seq: Mapped[int] = mapped_column(BigInt)
    settled_seq: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    ledger_id: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    sent_seq: Mapped[int | None] = mapped_column(BigInt)
    sent_at: Mapped[datetime | None]
    sent_quantity: Mapped[int | None] = mapped_column(BigInt)
    sent_compare: Mapped[int | None] = mapped_column(BigInt)
    sent_in_flight: Mapped[int | None] = mapped_column(BigInt)
    sent_counted_id: Mapped[int | None] = mapped_column(BigInt)
    maybe_quantity: Mapped[int | None] = mapped_column(BigInt)
    acknowledged_quantity: Mapped[int | None] = mapped_column(BigInt)
    acknowledged_at: Mapped[datetime | None]
    lag_seconds: Mapped[float | None] = mapped_column(Double)
    counted_id: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    in_flight: Mapped[int] = mapped_column(BigInt, server_default=text("0"))
    in_flight_since: Mapped[datetime | None]
    theirs: Mapped[int | None] = mapped_column(BigInt)
    theirs_at: Mapped[datetime | None]
    stale: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime | None]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    parked_at: Mapped[datetime | None]
