"""Identifiers of documents: time-ordered UUIDs, so that new rows land together in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7

__all__ = ["uuid7"]


def uuid7() -> UUID:
    """Return a new UUID of version 7 (RFC 9562): unique, and ordered by the millisecond of its making."""
    return _uuid7()
