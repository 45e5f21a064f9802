"""Tell people, and note what they have seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, update
from sqlalchemy.orm import Session

from onhand.db import cursor, int_array, text_array
from onhand.notices.models import Notice

__all__ = ["COUNT_MAX", "NewNotice", "forget", "listed", "mark_read", "notify", "unread_count"]

COUNT_MAX = 100
TELL = """
/* notices.tell */ INSERT INTO onhand.notice (user_id, entity_id, key, text, href, recorded_at)
SELECT DISTINCT ON (user_id, entity_id, key) user_id, entity_id, key, text, href, %(now)s::timestamptz
FROM unnest(%(people)s::int[], %(entities)s::int[], %(keys)s::text[], %(texts)s::text[], %(hrefs)s::text[])
  WITH ORDINALITY AS told(user_id, entity_id, key, text, href, position)
ORDER BY user_id, entity_id, key, position DESC
ON CONFLICT (user_id, entity_id, key) WHERE read_at IS NULL
DO UPDATE SET text = excluded.text, href = excluded.href, recorded_at = excluded.recorded_at
"""
FORGET = """
/* notices.forget */ DELETE FROM onhand.notice WHERE id IN (
  SELECT id FROM onhand.notice WHERE read_at < %s ORDER BY id LIMIT %s)
"""


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something to tell a person. `key` names what it is about: an unread notice of the same key is replaced."""

    user_id: int
    entity_id: int | None
    key: str
    text: str
    href: str | None = None


def notify(session: Session, told: Sequence[NewNotice], *, now: datetime) -> None:
    """Tell people. One statement, whatever the length of the list; telling twice leaves one notice unread."""
    if told:
        cursor(session).execute(
            TELL,
            {
                "now": now,
                "people": int_array(each.user_id for each in told),
                "entities": int_array(each.entity_id for each in told),
                "keys": text_array(each.key for each in told),
                "texts": text_array(each.text for each in told),
                "hrefs": text_array(each.href for each in told),
            },
        )


def mark_read(session: Session, user_id: int, *, up_to: int, now: datetime) -> int:
    """Note that a person has seen their notices up to this one; return how many were unread."""
    mine = (Notice.user_id == user_id, Notice.id <= up_to, Notice.read_at.is_(None))
    ended = session.execute(update(Notice).where(*mine).values(read_at=now).returning(Notice.id))
    return len(ended.all())


def forget(session: Session, *, before: datetime, limit: int) -> int:
    """Drop notices that were seen long ago, oldest first; return how many."""
    return cursor(session).execute(FORGET, (before, limit)).rowcount


def listed(user_id: int) -> Select[Any]:
    """Return a person's notices, newest first."""
    query = select(*Notice.__table__.columns).where(Notice.user_id == user_id)
    return query.order_by(Notice.id.desc())


def unread_count(session: Session, user_id: int, entity_id: int) -> int:
    """Return how many notices of an entity, and of the group, a person has not seen, up to `COUNT_MAX`."""
    unread = select(literal(1)).where(
        Notice.user_id == user_id,
        Notice.read_at.is_(None),
        (Notice.entity_id == entity_id) | Notice.entity_id.is_(None),
    )
    return session.scalar(select(func.count()).select_from(unread.limit(COUNT_MAX).subquery())) or 0
