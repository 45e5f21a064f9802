"""An item at a location: the page that explains its units, and the cause under which what went wrong there is kept."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from onhand.db import int_array
from onhand.events import Cause
from onhand_master_data.api import ItemName, LocationName

__all__ = ["cause_at", "item_page", "places_named"]

KEY = re.compile(r"item:([0-9]{1,9})@location:([0-9]{1,9})")


def item_page(sku: str, location: str | None = None, state: str | None = None) -> str:
    """Return the address of an item's page, for what cannot ask the router: causes, evidence, files."""
    asked = {name: value for name, value in (("location", location), ("state", state)) if value is not None}
    return f"/stock/items/{quote(sku, safe='')}{f'?{urlencode(asked)}' if asked else ''}"


def cause_at(
    entity_id: int,
    item: ItemName,
    location: LocationName,
    *,
    quantity: int,
    occurred_at: datetime,
    title: str,
    evidence: Mapping[str, Any],
) -> Cause:
    """Return the cause of an item at a location, whatever its kind: all evidence of the place meets in one exception.

    The title begins with the place, and the evidence leads to its page.
    """
    where = {"sku": item.sku, "location": location.code, "href": item_page(item.sku, location.code)}
    return Cause(
        key=f"item:{item.id}@location:{location.id}",
        entity_id=entity_id,
        item_id=item.id,
        location_id=location.id,
        quantity=quantity,
        occurred_at=occurred_at,
        title=f"{item.sku} at {location.code}: {title}",
        evidence=where | dict(evidence),
    )


def places_named(keys: Collection[str] | None) -> tuple[str | None, str | None]:
    """Return the items and locations that causes' keys name, as two arrays for a query; None twice for all places.

    Keys of causes of other kinds are left out.
    """
    if keys is None:
        return None, None
    found = [match for key in keys if (match := KEY.fullmatch(key))]
    return int_array([int(match[1]) for match in found]), int_array([int(match[2]) for match in found])
