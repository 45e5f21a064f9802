"""The facts of order lines: ordered, cancelled, fulfilled, returned. A set that only grows."""

from collections.abc import Sequence

from onhand.db import cursor, int_array, text_array
from onhand.outbox import publish
from sqlalchemy.orm import Session

from onhand_channels.events import CancelledUnits, OrderLinesCancelled
from onhand_channels.values import Postable

__all__ = ["FACTS", "add"]

FACTS = {
    "onhand.order.v1": "ordered",
    "onhand.cancellation.v1": "cancelled",
    "onhand.shipment.v1": "fulfilled",
    "onhand.return.v1": "returned",
}
COLUMNS = ("ordered", "cancelled", "fulfilled", "returned")
ADD = """
/* order_line.add */ INSERT INTO channels.order_line AS o
  (channel_id, order_reference, line, item_id, entity_id, ordered, cancelled, fulfilled, returned)
SELECT * FROM unnest(%s::int[], %s::text[], %s::text[], %s::int[], %s::int[],
  %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (channel_id, order_reference, line, item_id) DO UPDATE SET
  ordered = o.ordered + excluded.ordered, cancelled = o.cancelled + excluded.cancelled,
  fulfilled = o.fulfilled + excluded.fulfilled, returned = o.returned + excluded.returned
"""
# Of two who cancel lines of one order at once, the second must see what the first cancelled, or neither tells the sum.
TAKE_TURNS = """
/* order_line.turn */ SELECT pg_advisory_xact_lock(o.turn) FROM (
  SELECT DISTINCT hashtextextended(channel_id || ' ' || order_reference, 0) AS turn
  FROM unnest(%s::int[], %s::text[]) AS k (channel_id, order_reference) ORDER BY 1
) o
"""
CANCELLED = """
/* order_line.cancelled */ SELECT o.entity_id, o.channel_id, o.order_reference, o.item_id, sum(o.cancelled)
FROM channels.order_line o
JOIN (SELECT DISTINCT * FROM unnest(%s::int[], %s::text[], %s::int[])) AS k (channel_id, order_reference, item_id)
  ON o.channel_id = k.channel_id AND o.order_reference = k.order_reference AND o.item_id = k.item_id
GROUP BY 1, 2, 3, 4
"""
LineKey = tuple[int, str, str, int]


def add(session: Session, postables: Sequence[Postable]) -> None:
    """Add what each event says to its order's lines, locking them in key order, and tell what was cancelled.

    Of an order whose lines are cancelled at the same time the last to commit tells the sum of all.
    """
    sums: dict[LineKey, list[int]] = {}
    entities: dict[LineKey, int] = {}
    cancelled: set[LineKey] = set()
    for postable in postables:
        fact = FACTS.get(postable.event.type)
        if fact is None or postable.plan.order is None:
            continue
        channel = postable.event.channel
        for line in postable.plan.lines:
            key = (channel.id, postable.plan.order, line.line, line.item_id)
            sums.setdefault(key, [0, 0, 0, 0])[COLUMNS.index(fact)] += line.quantity
            entities[key] = channel.entity_id
            if fact == "cancelled":
                cancelled.add(key)
    if cancelled:
        orders = sorted({key[:2] for key in cancelled})
        ids, references = int_array([order[0] for order in orders]), text_array([order[1] for order in orders])
        cursor(session).execute(TAKE_TURNS, (ids, references))
    if sums:
        _add(session, sums, entities)
    if cancelled:
        _tell(session, cancelled)


def _add(session: Session, sums: dict[LineKey, list[int]], entities: dict[LineKey, int]) -> None:
    keys = sorted(sums)
    parameters = (
        int_array([key[0] for key in keys]),
        text_array([key[1] for key in keys]),
        text_array([key[2] for key in keys]),
        int_array([key[3] for key in keys]),
        int_array([entities[key] for key in keys]),
        *(int_array([sums[key][column] for key in keys]) for column in range(len(COLUMNS))),
    )
    cursor(session).execute(ADD, parameters)


def _tell(session: Session, cancelled: set[LineKey]) -> None:
    """Tell how many units of each item of an order are cancelled by now, over all of its lines."""
    keys = sorted(cancelled)
    parameters = (
        int_array([key[0] for key in keys]),
        text_array([key[1] for key in keys]),
        int_array([key[3] for key in keys]),
    )
    by_entity: dict[int, list[CancelledUnits]] = {}
    for entity_id, channel_id, order, item_id, total in cursor(session).execute(CANCELLED, parameters).fetchall():
        by_entity.setdefault(entity_id, []).append(CancelledUnits(channel_id, order, item_id, int(total)))
    for entity_id, units in by_entity.items():
        publish(session, OrderLinesCancelled(entity_id, tuple(units)))
