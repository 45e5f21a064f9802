"""What an item still has, or has again, though it was merged: a posting that was under way, or a reversal of before."""

from collections.abc import Collection
from datetime import datetime
from urllib.parse import quote

from onhand.db import cursor
from onhand.events import Cause
from onhand.transaction import context
from sqlalchemy.orm import Session

from onhand_master_data.values import Use

__all__ = ["KIND", "still_true"]

KIND = "merged_item_open"
MERGED = """
/* merging.merged */ SELECT i.id, i.sku, o.sku FROM master_data.item i JOIN master_data.item o ON o.id = i.merged_into
WHERE i.merged_into IS NOT NULL ORDER BY i.id
"""


def still_true(session: Session, entity_id: int, keys: Collection[str] | None, now: datetime) -> list[Cause]:
    """Return the items that were merged into others and have something in the entity all the same.

    A merge looks before it commits; what was resolved before and is posted after is booked where it was meant. It is
    told within minutes, since exceptions ask for what nobody reported.
    """
    merged = {id_: (sku, survivor) for id_, sku, survivor in cursor(session).execute(MERGED)}
    if keys is not None:
        merged = {id_: skus for id_, skus in merged.items() if _key(id_) in keys}
    if not merged:
        return []
    found: dict[int, list[Use]] = {}
    for use in context(session).addons.gather_for(
        "item_obligations", entity_id, now, session=session, item_ids=sorted(merged)
    ):
        found.setdefault(use.id, []).append(use)
    return [_cause(entity_id, id_, *merged[id_], uses, now) for id_, uses in sorted(found.items())]


def _key(item_id: int) -> str:
    return f"merged:{item_id}"


def _cause(entity_id: int, item_id: int, sku: str, survivor: str, uses: list[Use], now: datetime) -> Cause:
    said = ", ".join(f"{use.quantity} {use.label}" for use in uses)
    return Cause(
        key=_key(item_id),
        entity_id=entity_id,
        item_id=item_id,
        location_id=None,
        quantity=sum(abs(use.quantity) for use in uses),
        occurred_at=now,
        title=f"{sku} was merged into {survivor} and still has {said}"[:200],
        evidence={
            "sku": sku,
            "survivor": survivor,
            "open": said,
            "what_to_do": f"Make {sku} active again, move to {survivor} or close what is there, and merge it anew",
            "href": f"/master_data/items/{quote(sku, safe='')}",
        },
    )
