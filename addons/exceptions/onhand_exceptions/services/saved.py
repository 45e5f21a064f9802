"""Views that people keep: a tab and a filter under a name, for themselves or for all who work in the entity."""

from dataclasses import dataclass
from datetime import datetime

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from sqlalchemy.orm import Session

__all__ = ["VIEWS_MAX", "NamedView", "ViewRefused", "forget_view", "save_view"]

VIEWS_MAX = 50
NAME_CHARACTERS_MAX = 60
SAVE = """
/* exceptions.view.save */ INSERT INTO exceptions.view (entity_id, user_id, name, tab, query, shared, recorded_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (entity_id, user_id, name) DO UPDATE SET
  tab = excluded.tab, query = excluded.query, shared = excluded.shared, recorded_at = excluded.recorded_at
RETURNING id
"""
HELD = "/* exceptions.view.held */ SELECT count(*) FROM exceptions.view WHERE entity_id = %s AND user_id = %s AND name <> %s"
FORGET = """
/* exceptions.view.forget */ DELETE FROM exceptions.view WHERE id = %s AND entity_id = %s AND user_id = %s
RETURNING name, shared
"""


class ViewRefused(Exception):
    """A view that cannot be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class NamedView:
    """What to keep, and under which name. Keeping another under the same name replaces it."""

    name: str
    tab: str
    query: str
    shared: bool = False


def save_view(
    session: Session, entity_id: int, user_id: int, view: NamedView, *, by: Actor, now: datetime
) -> int:  # fmt: skip
    """Keep a view for a person; return its id. ViewRefused without a name, with too long a one, or beyond 50 views."""
    name = view.name.strip()
    if not name or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise ViewRefused(f"give it a name of 1 to {NAME_CHARACTERS_MAX} characters")
    held = cursor(session).execute(HELD, (entity_id, user_id, name)).fetchone()
    if held and held[0] >= VIEWS_MAX:
        raise ViewRefused(f"you keep {VIEWS_MAX} views: forget one first")
    kept = (entity_id, user_id, name, view.tab, view.query, view.shared, now)
    row = cursor(session).execute(SAVE, kept).fetchone()
    assert row is not None  # noqa: S101 - the statement returns the row it wrote
    if view.shared:
        told = {"name": name, "tab": view.tab, "query": view.query}
        audit.record(session, by, "exceptions.share_view", f"view:{row[0]}", None, told, entity_id=entity_id)
    return int(row[0])


def forget_view(session: Session, entity_id: int, user_id: int, view_id: int, *, by: Actor) -> bool:
    """Forget a view of a person; return whether there was one. Nobody can forget another's."""
    row = cursor(session).execute(FORGET, (view_id, entity_id, user_id)).fetchone()
    if row is not None and row[1]:
        audit.record(session, by, "exceptions.forget_view", f"view:{view_id}", {"name": row[0]}, entity_id=entity_id)
    return row is not None
