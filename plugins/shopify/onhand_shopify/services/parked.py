"""Parked webhooks as exceptions: one for each thing that is missing, however many webhooks lack it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from onhand.db import cursor, text_array
from onhand.events import Cause
from sqlalchemy.orm import Session

__all__ = ["KIND", "TITLES", "causes_of", "parked_standing"]

KIND = "shopify_parked"
STANDING_MAX = 10_000
TITLES = {
    "unknown_location": "Location not mapped",
    "unknown_item": "Inventory item without a known SKU",
    "sku_missing": "Line without a SKU",
    "location_missing": "No location named",
    "restock_unclear": "Restock type unclear",
    "fulfilment_undone": "Fulfilment undone",
    "unreadable": "Not readable",
    "posting_failed": "Posting failed",
    "refused": "Refused by its channel",
}
ROWS = """
SELECT c.code, d.reason, d.code, count(*), min(d.received_at), min(d.detail)
FROM shopify.delivery d JOIN channels.channel c ON c.id = d.channel_id
"""
GROUPED = "GROUP BY 1, 2, 3 ORDER BY 5 LIMIT %s"
STANDING = f"/* shopify.parked */ {ROWS} WHERE d.entity_id = %s AND d.outcome = 'parked' {GROUPED}"
AMONG = f"""
/* shopify.parked_among */ {ROWS}
JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[], %s::text[])) AS k (channel, reason, code)
  ON k.channel = c.code AND k.reason = d.reason AND k.code = d.code
WHERE d.entity_id = %s AND d.outcome = 'parked' {GROUPED}
"""
OF_SHOP = f"""
/* shopify.parked_of */ {ROWS}
JOIN (SELECT DISTINCT * FROM unnest(%s::text[], %s::text[])) AS k (reason, code) ON k.reason = d.reason AND k.code = d.code
WHERE d.entity_id = %s AND d.channel_id = %s AND d.outcome = 'parked' {GROUPED}
"""


def parked_standing(
    session: Session, entity_id: int, keys: Collection[str] | None, now: datetime  # noqa: ARG001 - its hook hands it in
) -> list[Cause]:  # fmt: skip
    """Return what is missing for webhooks that are parked: among `keys`, or the oldest 10,000 of all."""
    if keys is None:
        rows = cursor(session).execute(STANDING, (entity_id, STANDING_MAX)).fetchall()
    else:
        named = [key.removeprefix("shopify:").split(":", 2) for key in keys if key.count(":") > 2]
        columns = [text_array([one[place] for one in named]) for place in range(3)]
        rows = cursor(session).execute(AMONG, (*columns, entity_id, STANDING_MAX)).fetchall()
    return [_cause(entity_id, row) for row in rows]


def causes_of(session: Session, entity_id: int, channel_id: int, keys: Sequence[tuple[str, str]]) -> list[Cause]:
    """Return what these (reason, code) of a shop come to by now."""
    columns = text_array([reason for reason, _ in keys]), text_array([code for _, code in keys])
    rows = cursor(session).execute(OF_SHOP, (*columns, entity_id, channel_id, STANDING_MAX)).fetchall()
    return [_cause(entity_id, row) for row in rows]


def _cause(entity_id: int, row: tuple[Any, ...]) -> Cause:
    channel, reason, code, count, since, detail = row
    title = TITLES.get(reason, reason.replace("_", " ").capitalize())
    return Cause(
        key=f"shopify:{channel}:{reason}:{code}",
        entity_id=entity_id,
        item_id=None,
        location_id=None,
        quantity=count,
        occurred_at=since,
        title=f"{title}{f' ({code})' if code else ''}: webhooks of {channel} are parked",
        evidence={
            "channel": channel, "reason": reason, "code": code, "detail": detail, "webhooks": count,
            "document": code or channel, "href": f"/shopify/{quote(channel)}#parked",
        },
    )  # fmt: skip
