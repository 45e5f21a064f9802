"""Approvals, what was done to each, the rules that demand them, and who may act for whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    desc,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from onhand.addons.models import Entity
from onhand.db import Base, BigInt, table

__all__ = ["Approval", "ApprovalActivity", "ApprovalRule", "Delegation"]

PENDING, SETTLED = text("status = 'pending'"), text("status <> 'pending'")
NEWEST: tuple[ColumnElement[Any], ...] = (desc("asked_at"), desc("id"))
APPROVED = text("verb = 'approved'")


class Approval(Base):
    """What somebody asks for, and how far it has come.

    `steps` are the (tier, role) that must agree, in their order, and `step` counts those that have; `waiting_role` is
    whose turn it is. Every change of what is asked makes another `version`, for which agreement begins anew.
    `weighed_*` are what the rules were asked for: this request and what was added up with it against splitting.
    Without an entity it concerns the whole group. Who asked never changes: the application may not update it.
    """

    __tablename__ = "approval"
    __table_args__ = table(
        UniqueConstraint("requester", "kind", "key"),
        CheckConstraint("status IN ('pending', 'approved', 'returned', 'rejected', 'withdrawn')", name="status"),
        CheckConstraint("(status = 'pending') = (waiting_role IS NOT NULL)", name="waiting"),
        CheckConstraint("(status IN ('approved', 'rejected', 'withdrawn')) = (decided_at IS NOT NULL)", name="decided"),
        CheckConstraint("step >= 0 AND step <= jsonb_array_length(steps)", name="step"),
        CheckConstraint("status <> 'approved' OR step = jsonb_array_length(steps)", name="complete"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="amount"),
        CheckConstraint("location_id IS NULL OR entity_id IS NOT NULL", name="place"),
        Index("approval_inbox_idx", "entity_id", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_list_idx", "entity_id", "status", desc("asked_at"), desc("id")),
        Index("approval_order_idx", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_role_idx", "entity_id", "waiting_role", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_kind_idx", "entity_id", "kind", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_location_idx", "entity_id", "location", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_location_id_idx", "entity_id", "location_id", "asked_at", "id", postgresql_where=PENDING),
        Index("approval_settled_idx", "entity_id", *NEWEST, postgresql_where=SETTLED),
        Index("approval_settled_order_idx", *NEWEST, postgresql_where=SETTLED),
        Index("approval_settled_kind_idx", "entity_id", "kind", *NEWEST, postgresql_where=SETTLED),
        Index("approval_settled_location_idx", "entity_id", "location", *NEWEST, postgresql_where=SETTLED),
        Index("approval_settled_location_id_idx", "entity_id", "location_id", *NEWEST, postgresql_where=SETTLED),
        Index("approval_mine_idx", "requester_user_id", *NEWEST),
        Index("approval_requester_idx", "requester", "kind", "asked_at"),
        Index("approval_due_at_idx", "due_at", postgresql_where=PENDING),
        schema="onhand",
        scope="entity",
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    kind: Mapped[str]
    key: Mapped[str]
    status: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    location_id: Mapped[int | None]
    location: Mapped[str | None]
    subject: Mapped[str | None]
    quantity: Mapped[int | None] = mapped_column(BigInt)
    amount_minor: Mapped[int | None] = mapped_column(BigInt)
    currency: Mapped[str | None]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    atp_before: Mapped[int | None] = mapped_column(BigInt)
    atp_after: Mapped[int | None] = mapped_column(BigInt)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    payload: Mapped[dict[str, Any]]
    reason: Mapped[str | None]
    note: Mapped[str | None]
    requester: Mapped[str]
    requester_name: Mapped[str]
    requester_user_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.user.id"))
    weighed_quantity: Mapped[int] = mapped_column(BigInt)
    weighed_amount_minor: Mapped[int] = mapped_column(BigInt)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    step: Mapped[int] = mapped_column(SmallInteger)
    waiting_role: Mapped[str | None]
    due_at: Mapped[datetime | None]
    reminded: Mapped[int] = mapped_column(SmallInteger)
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    href: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))


class ApprovalActivity(Base):
    """What was done to an approval, in order. Rows are only added.

    `user_id` is the person who did it, and `for_user_id` the one whose authority was used, where that is another. The
    database itself refuses a requester's own consent, and a second one by the same person to the same version.
    """

    __tablename__ = "approval_activity"
    __table_args__ = table(
        CheckConstraint(
            "verb IN ('asked', 'passed', 'revised', 'approved', 'returned', 'rejected', 'withdrawn', 'outdated',"
            " 'reminded', 'escalated')",
            name="verb",
        ),
        CheckConstraint("verb <> 'approved' OR user_id IS NOT NULL AND role IS NOT NULL", name="person"),
        CheckConstraint(
            "verb <> 'approved' OR requester_user_id IS NULL"
            " OR user_id <> requester_user_id AND for_user_id IS DISTINCT FROM requester_user_id",
            name="four_eyes",
        ),
        Index("approval_activity_approval_id_id_idx", "approval_id", "id"),
        Index(
            "approval_activity_once_key", "approval_id", "version", "user_id", unique=True, postgresql_where=APPROVED
        ),
        schema="onhand",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(always=True), primary_key=True)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey(Approval.id))
    entity_id: Mapped[int | None]
    version: Mapped[int]
    verb: Mapped[str]
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    role: Mapped[str | None]
    actor: Mapped[str]
    actor_name: Mapped[str]
    user_id: Mapped[int | None]
    for_user_id: Mapped[int | None]
    requester_user_id: Mapped[int | None]
    note: Mapped[str | None]
    recorded_at: Mapped[datetime]


class ApprovalRule(Base):
    """From an amount or a quantity on, a role must agree to a kind of change at a place, in the turn of its tier.

    Without an entity it holds in the whole group, without a location in the whole entity, without a field for all that
    have no rule of their own. Rules are never changed: a change retires one and adds another.
    """

    __tablename__ = "approval_rule"
    __table_args__ = table(
        CheckConstraint("tier BETWEEN 1 AND 9", name="tier"),
        CheckConstraint("amount_from_minor >= 0 AND quantity_from >= 0", name="threshold"),
        CheckConstraint("(amount_from_minor IS NULL) = (currency IS NULL)", name="amount"),
        CheckConstraint("location_id IS NULL OR entity_id IS NOT NULL", name="place"),
        Index("approval_rule_kind_idx", "kind", postgresql_where=text("retired_at IS NULL")),
        schema="onhand",
        scope="entity",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[str]
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    location_id: Mapped[int | None]
    location: Mapped[str | None]
    amount_from_minor: Mapped[int | None] = mapped_column(BigInt)
    currency: Mapped[str | None]
    quantity_from: Mapped[int | None] = mapped_column(BigInt)
    tier: Mapped[int] = mapped_column(SmallInteger)
    role: Mapped[str]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]
    retired_at: Mapped[datetime | None]
    field: Mapped[str | None]


class Delegation(Base):
    """Until `ends_at` one person may approve with another's authority; without kinds in everything they may approve."""

    __tablename__ = "delegation"
    __table_args__ = table(
        CheckConstraint("user_id <> delegate_id", name="other"),
        CheckConstraint("starts_at < ends_at", name="period"),
        Index("delegation_delegate_id_idx", "delegate_id"),
        Index("delegation_user_id_idx", "user_id"),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    delegate_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    kinds: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str | None]
    recorded_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
