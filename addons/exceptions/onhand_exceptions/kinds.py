"""The kinds of evidence known for an entity: those of the add-ons that are active there."""

from collections.abc import Collection
from datetime import datetime

from onhand.contributions import ExceptionKind
from onhand.events import Cause
from onhand.transaction import context
from sqlalchemy.orm import Session

__all__ = ["known", "true_now"]


def known(session: Session, entity_id: int, now: datetime) -> dict[str, ExceptionKind]:
    """Return the kinds that can be judged for an entity now, by name."""
    kinds = context(session).addons.gather_for("exception_kinds", entity_id, now)
    return {kind.name: kind for kind in kinds}


def true_now(
    session: Session, kind: ExceptionKind, entity_id: int, keys: Collection[str] | None, now: datetime
) -> dict[str, Cause]:
    """Return what a kind says still holds, by key; of several causes under one key the first that occurred."""
    found: dict[str, Cause] = {}
    for cause in kind.still_true(session, entity_id, keys, now):
        if keys is not None and cause.key not in keys:
            continue
        if cause.key not in found or cause.occurred_at < found[cause.key].occurred_at:
            found[cause.key] = cause
    return found
