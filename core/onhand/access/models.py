"""People, roles, tokens and sessions. Secrets are kept as digests only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from onhand.addons.models import Entity
from onhand.db import Base, table

__all__ = ["ApiToken", "Login", "Role", "RolePermission", "User", "UserRole"]


class User(Base):
    """A person. `failed_logins` counts attempts since the last good one; until `locked_until` none is looked at."""

    __tablename__ = "user"
    __table_args__ = table(
        CheckConstraint("username ~ '^[a-z0-9][a-z0-9._@+-]{0,79}$'", name="username"),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password: Mapped[str | None]
    active: Mapped[bool]
    failed_logins: Mapped[int]
    locked_until: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class Role(Base):
    """A named set of permissions."""

    __tablename__ = "role"
    __table_args__ = table(schema="onhand", scope="group")
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class RolePermission(Base):
    """A permission of a role: `stock.adjust`, every noun's (`*.read`), or all (`*`)."""

    __tablename__ = "role_permission"
    __table_args__ = table(
        CheckConstraint(r"permission ~ '^(\*|(\*|[a-z_]+)\.[a-z_]+)$'", name="permission"),
        schema="onhand",
        scope="group",
    )
    role_id: Mapped[int] = mapped_column(ForeignKey("onhand.role.id"), primary_key=True)
    permission: Mapped[str] = mapped_column(primary_key=True)


class UserRole(Base):
    """A role a person holds: in the whole group, in one entity, or at one location of it."""

    __tablename__ = "user_role"
    __table_args__ = table(
        UniqueConstraint("user_id", "role_id", "entity_id", "location_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("location_id IS NULL OR entity_id IS NOT NULL", name="place"),
        schema="onhand",
        scope="group",
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey("onhand.role.id"))
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    location_id: Mapped[int | None]


class ApiToken(Base):
    """A secret that a program presents. Only its SHA-256 is kept; `prefix` lets people tell tokens apart.

    Without an entity it reaches all of them; `source` is the channel or source system it speaks for.
    """

    __tablename__ = "api_token"
    __table_args__ = table(Index("api_token_user_id_idx", "user_id"), schema="onhand", scope="group")
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("onhand.user.id"))
    entity_id: Mapped[int | None] = mapped_column(ForeignKey(Entity.id))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    source: Mapped[str | None]
    recorded_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Login(Base):
    """One person's session in one browser. Ending it here ends it everywhere, whatever cookie is kept."""

    __tablename__ = "login"
    __table_args__ = table(Index("login_user_id_idx", "user_id"), schema="onhand", scope="system")
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("onhand.user.id"))
    began_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None]
