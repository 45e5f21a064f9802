"""API tokens: random, prefixed, scoped, expiring; only their digest is kept."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from onhand import audit
from onhand.access.cache import principals
from onhand.access.models import ApiToken
from onhand.actors import Actor
from onhand.transaction import after_commit

__all__ = [
    "DAYS_DEFAULT",
    "IssuedToken",
    "TokenRequest",
    "UnknownPermission",
    "digest_of",
    "is_token",
    "issue",
    "revoke",
    "tokens",
]

PREFIX = "oh_"
SHAPE = re.compile(r"oh_[A-Za-z0-9_-]{43}")
PREFIX_SHOWN = 9
DAYS_DEFAULT = 90


class UnknownPermission(Exception):
    """A permission that no installed add-on declares."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token to issue: for one entity or, with None, for all; on behalf of a person or of a source system."""

    name: str
    entity_id: int | None
    permissions: tuple[str, ...]
    source: str | None = None
    user_id: int | None = None
    lifetime: timedelta = timedelta(days=DAYS_DEFAULT)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, with the secret that is shown this once and never again."""

    id: int
    secret: str
    expires_at: datetime


def issue(
    session: Session, requests: Sequence[TokenRequest], declared: Collection[str], *, by: Actor, now: datetime
) -> list[IssuedToken]:
    """Issue tokens. `declared` are the permissions there are; any other is refused with UnknownPermission."""
    issued = []
    for request in requests:
        if unknown := sorted(set(request.permissions) - set(declared)):
            raise UnknownPermission(f"no add-on declares {', '.join(unknown)}; known: {', '.join(sorted(declared))}")
        secret = PREFIX + secrets.token_urlsafe(32)
        token = ApiToken(
            name=request.name,
            prefix=secret[:PREFIX_SHOWN],
            digest=digest_of(secret),
            user_id=request.user_id,
            entity_id=request.entity_id,
            permissions=sorted(set(request.permissions)),
            source=request.source,
            recorded_at=now,
            expires_at=now + request.lifetime,
        )
        session.add(token)
        session.flush()
        shown = {"name": token.name, "permissions": token.permissions, "source": token.source}
        after = shown | {"expires_at": token.expires_at.isoformat()}
        audit.record(session, by, "token.issue", f"token:{token.id}", after=after)
        issued.append(IssuedToken(token.id, secret, token.expires_at))
    return issued


def revoke(session: Session, ids: Sequence[int], *, by: Actor, now: datetime, reason: str | None = None) -> list[int]:
    """Revoke tokens and return those that were still good. Takes effect everywhere within `CACHE_SECONDS`."""
    query = select(ApiToken).where(ApiToken.id.in_(ids), ApiToken.revoked_at.is_(None)).with_for_update()
    ended = list(session.scalars(query.order_by(ApiToken.id)))
    for token in ended:
        token.revoked_at = now
        audit.record(session, by, "token.revoke", f"token:{token.id}", reason=reason)
    session.flush()
    after_commit(session, principals.forget)
    return [token.id for token in ended]


def tokens(session: Session) -> list[ApiToken]:
    """Return every token, revoked ones included, newest first."""
    return list(session.scalars(select(ApiToken).order_by(ApiToken.id.desc())))


def is_token(secret: str) -> bool:
    """Return whether this has a token's shape; what has not is refused without asking the database."""
    return SHAPE.fullmatch(secret) is not None


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret. It is 256 random bits, so a plain hash cannot be reversed by guessing.

    Tokens are found by this digest alone: comparing hashes tells an attacker nothing about the secret.
    """
    return hashlib.sha256(secret.encode()).digest()
