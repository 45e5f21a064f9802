"""What master data adds to exceptions, where those are installed: the categories that ownership rules look at."""

from collections.abc import Sequence

from onhand.db import cursor, int_array
from sqlalchemy.orm import Session

__all__ = ["categories_above"]

ABOVE = """
/* master_data.categories_above */ WITH RECURSIVE above (item_id, category_id) AS (
  SELECT id, category_id FROM master_data.item WHERE id = ANY(%s::int[]) AND category_id IS NOT NULL
  UNION
  SELECT above.item_id, c.parent_id FROM above JOIN master_data.category c ON c.id = above.category_id
  WHERE c.parent_id IS NOT NULL
)
SELECT above.item_id, c.code FROM above JOIN master_data.category c ON c.id = above.category_id ORDER BY 1, 2
"""


def categories_above(session: Session, items: Sequence[int]) -> list[tuple[int, str]]:
    """Return (item, code) for the category of each item and every category above it."""
    return [(row[0], row[1]) for row in cursor(session).execute(ABOVE, (int_array(items),)).fetchall()]
