"""Items with their parts, locations, units and categories."""

from datetime import datetime
from typing import Any
from uuid import UUID

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

__all__ = ["CODE", "NAME", "Barcode", "Category", "Item", "ItemEntity", "Location", "Pack", "Unit", "Version"]

CODE = r"^[A-Za-z0-9]([A-Za-z0-9 ._+#-]{0,62}[A-Za-z0-9._+#-])?$"
NAME = r"^[^\u0001-\u001f\u007f-\u009f]{1,200}$"
KIND = "kind IN ('store', 'distribution_centre', 'hub', 'drop_ship', 'third_party_warehouse')"


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in SQL."""
        return "xid8"


class Unit(Base):
    """A unit of measure (UN/ECE Rec 20), or a package (Rec 21, or a site's own)."""

    __tablename__ = "unit"
    __table_args__ = table(
        CheckConstraint("code ~ '^[A-Z0-9]{1,8}$'", name="code"),
        CheckConstraint(f"name ~ '{NAME}'", name="name"),
        CheckConstraint("dimension IN ('count', 'mass', 'volume', 'length', 'area', 'package')", name="dimension"),
        schema="master_data",
        scope="group",
    )
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    dimension: Mapped[str]


class Category(Base):
    """A node of the group's category tree."""

    __tablename__ = "category"
    __table_args__ = table(
        CheckConstraint(f"code ~ '{CODE}'", name="code"),
        CheckConstraint(f"name ~ '{NAME}'", name="name"),
        CheckConstraint("parent_id <> id", name="parent"),
        schema="master_data",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("master_data.category.id"), index=True)


class Item(Base):
    """Something that is stocked, under a SKU that is unique in the group. Its base unit never changes (no grant).

    One that was a duplicate leads to the item it was `merged_into`.
    """

    __tablename__ = "item"
    __table_args__ = table(
        CheckConstraint(f"sku ~ '{CODE}'", name="sku"),
        CheckConstraint(f"name ~ '{NAME}'", name="name"),
        CheckConstraint("merged_into IS NULL OR NOT active AND merged_into <> id", name="merged_into"),
        Index("item_merged_into_idx", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        schema="master_data",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    sku: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    base_unit: Mapped[str] = mapped_column(ForeignKey("master_data.unit.code"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("master_data.category.id"), index=True)
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("master_data.item.id"))


class ItemEntity(Base):
    """An entity stocks an item. All may read it; only within its scope may a transaction add or remove it."""

    __tablename__ = "item_entity"
    __table_args__ = table(schema="master_data", scope="group")
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), primary_key=True, index=True)


class Pack(Base):
    """One `unit` of the item holds exactly numerator/denominator of its base units."""

    __tablename__ = "pack"
    __table_args__ = table(
        CheckConstraint("numerator BETWEEN 1 AND 1000000000", name="numerator"),
        CheckConstraint("denominator BETWEEN 1 AND 1000000000", name="denominator"),
        schema="master_data",
        scope="group",
    )
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(ForeignKey("master_data.unit.code"), primary_key=True)
    numerator: Mapped[int] = mapped_column(BigInt)
    denominator: Mapped[int] = mapped_column(BigInt)


class Barcode(Base):
    """A GTIN, as 14 digits, on an item's base unit (`unit` null) or on one of its packs."""

    __tablename__ = "barcode"
    __table_args__ = table(
        CheckConstraint("gtin ~ '^[0-9]{14}$'", name="gtin"),
        ForeignKeyConstraint(["item_id", "unit"], ["master_data.pack.item_id", "master_data.pack.unit"]),
        Index(None, "item_id", "unit"),
        schema="master_data",
        scope="group",
    )
    gtin: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("master_data.item.id"))
    unit: Mapped[str | None]


class Location(Base):
    """A node that holds stock and belongs to one entity, for good (neither code nor entity is granted for update).

    `(id, entity_id)` is unique so that other tables can hold, by foreign key, that their row lies in its entity.
    """

    __tablename__ = "location"
    __table_args__ = table(
        CheckConstraint(f"code ~ '{CODE}'", name="code"),
        CheckConstraint(f"name ~ '{NAME}'", name="name"),
        CheckConstraint(KIND, name="kind"),
        CheckConstraint("gln ~ '^[0-9]{13}$'", name="gln"),
        UniqueConstraint("id", "entity_id"),
        schema="master_data",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    gln: Mapped[str | None] = mapped_column(unique=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), index=True)
    time_zone: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime]


class Version(Base):
    """One row that every change of this schema's data moves on, in the change's own transaction.

    Its lock makes the writers take turns, so `n` rises in the order of commits; `changed_in` tells a transaction that
    it is itself the one that wrote, and `epoch` one database from another. `authorities` moves on with the registry of
    authoritative systems alone.
    """

    __tablename__ = "version"
    __table_args__ = table(CheckConstraint("one", name="one"), schema="master_data", scope="system")
    one: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    n: Mapped[int] = mapped_column(BigInt, server_default=text("1"))
    authorities: Mapped[int] = mapped_column(BigInt, server_default=text("1"))
    epoch: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    changed_in: Mapped[int] = mapped_column(Xid8, server_default=func.pg_current_xact_id())
