"""The versions of all policies, read from the database."""

from sqlalchemy.orm import Session

from onhand.db import cursor
from onhand.policies.book import PolicyBook

__all__ = ["policy_book"]


def policy_book(session: Session) -> PolicyBook:
    """Return every policy version that was not replaced or cancelled before its time, arranged for look-up."""
    rows = cursor(session).execute(
        "SELECT id, policy, item_id, category_id, location_id, channel_id, entity_id, value, effective_from, condition "
        "FROM onhand.policy_version v WHERE NOT cancels "
        "AND NOT EXISTS (SELECT FROM onhand.policy_version later WHERE later.replaces = v.id) "
        "ORDER BY effective_from, id"
    )
    return PolicyBook((row[0], row[1], tuple(row[2:7]), *row[7:]) for row in rows.fetchall())
