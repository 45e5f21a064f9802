"""REST: `/api/v1/counts`."""
# mypy: disable-error-code="untyped-decorator"

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from msgspec.json import encode
from onhand import problems
from onhand.access import actor, principal, requires
from onhand.idempotency import Answer, once
from onhand.problems import FieldError, field_error
from onhand_master_data.api import resolve_items
from sqlalchemy.orm import Session

from onhand_stock import schemas
from onhand_stock.naming import named_movement
from onhand_stock.services import Count
from onhand_stock.services import count as count_shelves
from onhand_stock.views.asking import known_location
from onhand_stock.views.movements import KEY

__all__ = ["counts_api"]

counts_api = Blueprint("stock_api_counts", __name__, url_prefix="/counts", description="What was on the shelf")

FUTURE_TOLERANCE = timedelta(minutes=5)


@counts_api.route("", methods=["POST"])
@requires("stock.adjust")
@counts_api.arguments(schemas.CountSchema)
@counts_api.response(201, schemas.CountedSchema)
@counts_api.doc(parameters=[KEY])
def count(given: dict[str, Any]) -> Response:
    """Post what was found less what the book expected, for each item; entries after the counted position stand."""

    def command(session: Session, now: datetime) -> Answer:
        location = known_location(session, given["location"], "stock.adjust")
        counts = _counts(session, given, location.entity_id, location.id, now)
        source, reason = principal().source or "counts", given.get("reason") or None
        found = count_shelves(session, counts, by=actor(), now=now, source=source, reason=reason)
        lines = [
            {**line, "id": one.id, "expected": one.expected, "adjustment": one.adjustment}
            for line, one in zip(given["lines"], found, strict=True)
        ]
        return 201, encode(schemas.CountedSchema().dump({**given, "lines": lines}))

    return once(command)


def _counts(session: Session, given: dict[str, Any], entity_id: int, location_id: int, now: datetime) -> list[Count]:
    lines: Sequence[dict[str, Any]] = given["lines"]
    known = resolve_items(session, [line["sku"] for line in lines]).by_sku
    times = Counter(line["sku"] for line in lines)
    errors: list[FieldError] = []
    if given["counted_at"] > now + FUTURE_TOLERANCE:
        errors.append(field_error("counted_at", f"it is {now.isoformat()} now", given["counted_at"].isoformat()))
    for number, line in enumerate(lines):
        sku, item = line["sku"], known.get(line["sku"])
        field = f"lines[{number}].sku"
        if item is None:
            errors.append(field_error(field, "there is no active item of this SKU", sku))
        elif entity_id not in item.entity_ids:
            errors.append(field_error(field, "this entity does not stock it", sku))
        elif times[sku] > 1:
            errors.append(field_error(field, "it is counted twice", sku))
    if errors:
        raise problems.Invalid(errors=errors)
    return [
        Count(entity_id, known[line["sku"]].id, location_id, line["counted"], given["counted_at"], _position(line))
        for line in lines
    ]


def _position(line: dict[str, Any]) -> int | None:
    named = named_movement(line["position"]) if "position" in line else None
    return named[1] if named else None
