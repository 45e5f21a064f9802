"""Orders that a shop took and nothing could be held for, as exceptions: one each, until it is held, shipped or cancelled."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from onhand.db import cursor, text_array
from onhand.events import Cause
from sqlalchemy.orm import Session

__all__ = ["KIND", "causes_of", "unheld_standing"]

KIND = "shopify_unheld"
STANDING_MAX = 10_000
ROWS = """
SELECT c.code, o.order_reference, o.since, o.detail
FROM shopify.order_hold o JOIN channels.channel c ON c.id = o.channel_id
"""
OPEN = "o.entity_id = %s AND o.status = 'unheld' ORDER BY o.since LIMIT %s"
STANDING = f"/* shopify.unheld */ {ROWS} WHERE {OPEN}"
AMONG = f"""
/* shopify.unheld_among */ {ROWS} JOIN unnest(%s::text[], %s::text[]) AS k (channel, reference)
  ON k.channel = c.code AND k.reference = o.order_reference WHERE {OPEN}
"""
OF_SHOP = f"""
/* shopify.unheld_of */ {ROWS} WHERE o.channel_id = %s AND o.order_reference = ANY(%s::text[]) AND {OPEN}
"""


def unheld_standing(
    session: Session, entity_id: int, keys: Collection[str] | None, now: datetime  # noqa: ARG001 - its hook hands it in
) -> list[Cause]:  # fmt: skip
    """Return the orders that could not be held: among `keys`, or the oldest 10,000 of all."""
    if keys is None:
        rows = cursor(session).execute(STANDING, (entity_id, STANDING_MAX)).fetchall()
    else:
        named = [key.removeprefix("shopify_order:").partition(":") for key in keys]
        columns = text_array([one[0] for one in named]), text_array([one[2] for one in named])
        rows = cursor(session).execute(AMONG, (*columns, entity_id, STANDING_MAX)).fetchall()
    return [_cause(entity_id, row) for row in rows]


def causes_of(session: Session, entity_id: int, channel_id: int, orders: Sequence[str]) -> list[Cause]:
    """Return which of a shop's orders could not be held."""
    arguments = (channel_id, text_array(orders), entity_id, STANDING_MAX)
    return [_cause(entity_id, row) for row in cursor(session).execute(OF_SHOP, arguments).fetchall()]


def _cause(entity_id: int, row: tuple[Any, ...]) -> Cause:
    channel, order, since, detail = row
    return Cause(
        key=f"shopify_order:{channel}:{order}",
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=1,
        occurred_at=since,
        title=f"Nothing could be held for order {order} of {channel}",
        evidence={"channel": channel, "document": order, "detail": detail, "href": f"/shopify/{quote(channel)}"},
    )
