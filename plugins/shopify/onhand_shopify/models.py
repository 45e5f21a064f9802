"""The tables, and every rule the database can hold."""

from datetime import datetime
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["OUTCOMES", "Delivery", "OrderHold", "Shop", "ShopItem", "ShopLocation"]

OUTCOMES = ("waiting", "taken", "nothing", "unhandled", "parked")
OF_A_SHOP = (["channel_id", "entity_id"], ["shopify.shop.channel_id", "shopify.shop.entity_id"])


class Shop(Base):
    """A Shopify shop and the channel it is. Secrets are sealed; without `secret` it is disconnected.

    `secret` signs webhooks and, with `client_id`, buys access tokens; the one before it is taken until `former_until`.
    """

    __tablename__ = "shop"
    __table_args__ = table(
        CheckConstraint("domain ~ '^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$' AND length(domain) <= 255", name="domain"),
        CheckConstraint("api_version ~ '^20[0-9]{2}-(01|04|07|10)$'", name="api_version"),
        CheckConstraint("length(client_id) BETWEEN 1 AND 255", name="client_id"),
        CheckConstraint("(former_secret IS NULL) = (former_until IS NULL)", name="former"),
        CheckConstraint("secret IS NOT NULL OR (former_secret IS NULL AND access_token IS NULL)", name="secret"),
        ForeignKeyConstraint(["channel_id", "entity_id"], ["channels.channel.id", "channels.channel.entity_id"],
                             name="shop_channel_id_entity_id_fkey"),
        UniqueConstraint("entity_id", "domain", name="shop_entity_id_domain_key"),
        UniqueConstraint("channel_id", "entity_id", name="shop_channel_id_entity_id_key"),
        schema="shopify",
        scope="entity",
    )  # fmt: skip
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    domain: Mapped[str]
    api_version: Mapped[str]
    client_id: Mapped[str | None]
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[datetime | None]
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    token_until: Mapped[datetime | None]
    connected_at: Mapped[datetime]
    connected_by: Mapped[str]
    read_at: Mapped[datetime | None]
    read_fault: Mapped[str | None]
    published_at: Mapped[datetime | None]
    publish_fault: Mapped[str | None]
    publish_fault_at: Mapped[datetime | None]


class ShopLocation(Base):
    """A location as the shop knows it, and which of ours it is; None while nobody said so."""

    __tablename__ = "shop_location"
    __table_args__ = table(
        ForeignKeyConstraint(*OF_A_SHOP, name="shop_location_channel_id_entity_id_fkey"),
        ForeignKeyConstraint(["location_id", "entity_id"], ["master_data.location.id", "master_data.location.entity_id"],
                             name="shop_location_location_id_entity_id_fkey"),
        UniqueConstraint("channel_id", "location_id", name="shop_location_channel_id_location_id_key"),
        schema="shopify",
        scope="entity",
    )  # fmt: skip
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shopify_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    name: Mapped[str]
    is_active: Mapped[bool]
    location_id: Mapped[int | None]


class ShopItem(Base):
    """An inventory item of the shop, by its SKU. A SKU may be there twice: Shopify does not keep them unique."""

    __tablename__ = "shop_item"
    __table_args__ = table(
        CheckConstraint("sku <> ''", name="sku"),
        ForeignKeyConstraint(*OF_A_SHOP, name="shop_item_channel_id_entity_id_fkey"),
        Index("shop_item_channel_id_sku_idx", "channel_id", "sku"),
        Index("shop_item_channel_id_variant_id_idx", "channel_id", "variant_id"),
        schema="shopify",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shopify_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    entity_id: Mapped[int]
    variant_id: Mapped[int | None] = mapped_column(BigInt)
    sku: Mapped[str]
    read_at: Mapped[datetime]


class OrderHold(Base):
    """The hold of an order that the shop took. `waiting`: it was not told yet; `unheld`: it could not be held."""

    __tablename__ = "order_hold"
    __table_args__ = table(
        CheckConstraint("status IN ('waiting', 'held', 'unheld', 'done')", name="status"),
        CheckConstraint("status <> 'held' OR hold_id IS NOT NULL", name="held"),
        ForeignKeyConstraint(*OF_A_SHOP, name="order_hold_channel_id_entity_id_fkey"),
        Index("order_hold_open_idx", "entity_id", "since", postgresql_where=text("status IN ('waiting', 'unheld')")),
        schema="shopify",
        scope="entity",
    )
    channel_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_reference: Mapped[str] = mapped_column(primary_key=True)
    entity_id: Mapped[int]
    status: Mapped[str]
    hold_id: Mapped[UUID | None]
    detail: Mapped[str | None]
    since: Mapped[datetime]


class Delivery(Base):
    """A webhook as it came, once per id, and what became of it."""

    __tablename__ = "delivery"
    __table_args__ = table(
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint("(outcome = 'waiting') = (settled_at IS NULL)", name="settled"),
        CheckConstraint("(outcome = 'parked') = (reason IS NOT NULL)", name="reason"),
        ForeignKeyConstraint(*OF_A_SHOP, name="delivery_channel_id_entity_id_fkey"),
        UniqueConstraint("channel_id", "webhook_id", name="delivery_channel_id_webhook_id_key"),
        Index("delivery_channel_id_received_at_idx", "channel_id", "received_at"),
        Index("delivery_waiting_idx", "channel_id", "received_at", postgresql_where=text("outcome = 'waiting'")),
        Index("delivery_parked_idx", "entity_id", "channel_id", postgresql_where=text("outcome = 'parked'")),
        schema="shopify",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    channel_id: Mapped[int]
    entity_id: Mapped[int]
    webhook_id: Mapped[str]
    topic: Mapped[str]
    received_at: Mapped[datetime]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    outcome: Mapped[str]
    reason: Mapped[str | None]
    code: Mapped[str | None]
    detail: Mapped[str | None]
    settled_at: Mapped[datetime | None]
