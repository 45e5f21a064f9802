from datetime import datetime

from onhand.db import Base, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column


class Thing(Base):
    __tablename__ = "thing"
    __table_args__ = table(
        CheckConstraint("size > 0", name="size"),
        Index(None, "entity_id", "name", unique=True),
        schema="sample",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    name: Mapped[str]
    size: Mapped[int] = mapped_column(server_default="1")
    seen_at: Mapped[datetime | None]


class Colour(Base):
    __tablename__ = "colour"
    __table_args__ = table(schema="sample", scope="group")
    code: Mapped[str] = mapped_column(primary_key=True)
