"""A channel's own numbers with the codes that people know."""

from collections.abc import Collection, Sequence
from typing import Any

from onhand_master_data.api import describe_items, describe_locations, locations_by_code
from sqlalchemy.orm import Session

from onhand_channels import queries
from onhand_channels.values import ChannelRef
from onhand_channels.views.asking import reach

__all__ = ["located", "named_reports", "reported"]


def located(session: Session, channel: ChannelRef, code: str | None) -> Collection[int] | None:
    """Return the locations to be shown: the one of a code if it is within reach, or all that are; None is any at all."""
    held = reach().get(channel.entity_id, ())
    if code is None:
        return held
    found = locations_by_code(session, [code]).get(code)
    return [found.id] if found is not None and (held is None or found.id in held) else []


def reported(
    session: Session, channel: ChannelRef, location: str, item_ids: Collection[int]
) -> list[tuple[int, int]]:  # fmt: skip
    """Return which of these items the channel told a number of at a location within reach, as (location, item)."""
    return queries.reported(session, channel, located(session, channel, location) or [], item_ids)


def named_reports(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return rows of reports with SKUs and codes of locations."""
    items = describe_items(session, {row.item_id for row in rows})
    places = describe_locations(session, {row.location_id for row in rows})
    return [
        {
            "sku": items[row.item_id].sku,
            "item": items[row.item_id].name,
            "location": places[row.location_id].code,
            "as_of": row.as_of,
            "event": row.event_id,
            "theirs": row.theirs,
            "ours": row.ours,
            "difference": row.theirs - row.ours,
            "tolerance": row.tolerance,
            "is_gap": row.is_gap,
            "acknowledged_at": row.acknowledged_at,
        }
        for row in rows
    ]
