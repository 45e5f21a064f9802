"""The trail and the blocks that seal it. The application may add to both and change neither."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, LargeBinary, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from onhand.addons.models import Entity
from onhand.db import Base, BigInt, table

__all__ = ["Audit", "Block"]


class Audit(Base):
    """One change, or one look at what is sensitive.

    Without an entity it concerns the whole group (a user, a role, a policy of the group). `policy_version` is the
    newest version of any policy that the transaction knew: with the time it tells every value that was in force.
    """

    __tablename__ = "audit"
    __table_args__ = table(
        Index("audit_entity_id_id_idx", "entity_id", "id"),
        Index("audit_subject_id_idx", "subject", "id"),
        Index("audit_actor_id_idx", "actor", "id"),
        schema="onhand",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    actor: Mapped[str]
    actor_name: Mapped[str]
    user_id: Mapped[int | None]
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str | None]
    policy_version: Mapped[int | None]


class Block(Base):
    """Rows `ids` of the trail, all there were after `after_id` up to `last_id`, with the digest of each.

    `digest` covers all of that and the digest of the block before. `marks` are short digests of a row's fields: they
    prove nothing, they tell which field of a changed row differs.
    """

    __tablename__ = "audit_block"
    __table_args__ = table(
        CheckConstraint("number > 0 AND after_id >= 0 AND last_id > after_id", name="range"),
        CheckConstraint(
            "cardinality(ids) > 0 AND cardinality(leaves) = cardinality(ids) AND cardinality(marks) = cardinality(ids)",
            name="rows",
        ),
        CheckConstraint("(number = 1) = (previous IS NULL)", name="previous"),
        Index("audit_block_last_id_idx", "last_id", unique=True),
        schema="onhand",
        scope="system",
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    after_id: Mapped[int] = mapped_column(BigInt)
    last_id: Mapped[int] = mapped_column(BigInt)
    ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    leaves: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    marks: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    previous: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]
