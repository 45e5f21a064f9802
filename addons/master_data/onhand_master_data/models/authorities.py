"""Which system is authoritative for which data, and what others have tried."""

from datetime import datetime

from onhand.db import Base, BigInt, table
from sqlalchemy import CheckConstraint, ForeignKey, Identity, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Authority", "AuthorityViolation"]

DOMAINS = ("item_master", "stock_ledger", "order_promising", "fulfilment_status", "financial_posting")
LISTED = ", ".join(f"'{domain}'" for domain in DOMAINS)
SYSTEM = "system ~ '^[^[:cntrl:][:space:]]([^[:cntrl:]]{0,78}[^[:cntrl:][:space:]])?$'"
# One number for entity and domain, as a range, since ranges are what the database can keep apart without extensions.
ONE_NUMBER = f"entity_id::bigint * 16 + array_position(ARRAY[{LISTED}]::text[], domain)"
PLACE = f"int8range({ONE_NUMBER}, {ONE_NUMBER}, '[]')"


class Authority(Base):
    """From `effective_from` until `effective_until` a system is authoritative for an entity's data domain.

    Of one entity and domain no two overlap. All may read it; only within its scope may a transaction add or end one.
    """

    __tablename__ = "authority"
    __table_args__ = table(
        CheckConstraint(f"domain IN ({LISTED})", name="domain"),
        CheckConstraint(SYSTEM, name="system"),
        CheckConstraint("effective_until >= effective_from", name="effective_until"),
        ExcludeConstraint(
            (text(PLACE), "&&"),
            (text("tstzrange(effective_from, effective_until)"), "&&"),
            using="gist",
            name="authority_one_at_a_time",
        ),
        schema="master_data",
        scope="group",
    )
    id: Mapped[int] = mapped_column(BigInt, Identity(), primary_key=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"))
    domain: Mapped[str]
    system: Mapped[str]
    effective_from: Mapped[datetime]
    effective_until: Mapped[datetime | None]
    reason: Mapped[str | None]
    recorded_at: Mapped[datetime]
    actor: Mapped[str]


class AuthorityViolation(Base):
    """A system that is not authoritative tried to write, how often, and what it tried last."""

    __tablename__ = "authority_violation"
    __table_args__ = table(
        CheckConstraint(f"domain IN ({LISTED})", name="domain"),
        CheckConstraint("attempts > 0", name="attempts"),
        schema="master_data",
        scope="entity",
    )
    entity_id: Mapped[int] = mapped_column(ForeignKey("onhand.entity.id"), primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(BigInt)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    last_actor: Mapped[str]
    last_subject: Mapped[str]
