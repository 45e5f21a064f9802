"""How a number came to be, in a few lines: what there was, and what each kind of movement made of it since."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct
from onhand.db import cursor, int_array, text_array
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_stock.states import PHYSICAL, SHORTAGE

__all__ = ["Summed", "summed"]

# Units taken from shortage are units that left; units given to it have left already, and are cleared from the shelf.
SUMMED = """
/* stock.summed */ SELECT kind, sum(delta)::bigint, count(*)
FROM (
  SELECT kind,
    CASE WHEN to_location_id = %(location)s AND to_state = ANY(%(states)s::text[]) THEN quantity ELSE 0 END
    - CASE WHEN from_location_id = %(location)s AND from_state = ANY(%(states)s::text[]) THEN quantity ELSE 0 END AS delta
  FROM stock.movement
  WHERE item_id = %(item)s AND recorded_at > %(since)s AND entity_id = ANY(%(entities)s::int[])
    AND (from_location_id = %(location)s OR to_location_id = %(location)s)
) moved WHERE delta <> 0 GROUP BY kind ORDER BY abs(sum(delta)) DESC, kind
"""


class Summed(Struct, frozen=True):
    """What the entries of a kind made of a number: units more (negative: less), by how many entries."""

    kind: str
    delta: int
    entries: int


def summed(session: Session, item_id: int, location_id: int, state: str | None, *, since: datetime) -> list[Summed]:
    """Return what changed an item at a location since a moment, by kind, the most first.

    Of one state, or of what is on hand. What there was at that moment is the number of now less the sum of these.
    """
    states: Collection[str] = [*PHYSICAL, SHORTAGE] if state is None else [state]
    wanted = {
        "item": item_id, "location": location_id, "states": text_array(states), "since": since,
        "entities": int_array(context(session).entities),
    }  # fmt: skip
    sign = -1 if state == SHORTAGE else 1
    return [Summed(kind, sign * delta, entries) for kind, delta, entries in cursor(session).execute(SUMMED, wanted)]
