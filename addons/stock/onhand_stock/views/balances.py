"""REST: `/api/v1/balances`."""
# mypy: disable-error-code="untyped-decorator"

from datetime import datetime
from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from onhand.access import in_scope, requires
from onhand.rest import page
from sqlalchemy.orm import Session

from onhand_stock import queries, schemas
from onhand_stock.listings import BALANCE_ORDER, BalanceFilter, balances_listed
from onhand_stock.queries import BalanceRow
from onhand_stock.states import STATES
from onhand_stock.views.asking import known_item, known_location, reach
from onhand_stock.views.wire import balances_on_wire

__all__ = ["balances_api"]

balances_api = Blueprint("stock_api_balances", __name__, url_prefix="/balances", description="What is where")


@balances_api.route("")
class Balances(MethodView):
    """Units per item, location and state."""

    @requires("stock.read")
    @balances_api.arguments(schemas.BalanceQuerySchema, location="query")
    @balances_api.response(200, schemas.BalanceListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List balances by item and location: as they are, or as they were at a time."""
        return in_scope(lambda session, now: _listed(session, wanted, now))


def _listed(session: Session, wanted: dict[str, Any], now: datetime) -> dict[str, Any]:
    narrowed = BalanceFilter(
        item_ids=[known_item(session, wanted["sku"]).id] if "sku" in wanted else None,
        location_id=known_location(session, wanted["location"]).id if "location" in wanted else None,
        state=wanted.get("state"),
    )
    found = page(session, balances_listed(narrowed, reach()), BALANCE_ORDER, wanted.get("cursor"), wanted["limit"])
    rows = [queries.balance_of(row) for row in found["items"]]
    at, known_at = wanted.get("at"), wanted.get("known_at")
    if at or known_at:
        rows = as_they_were(session, rows, at or now, known_at or now)
    return {"as_of": at or now, "items": balances_on_wire(session, rows), "next": found["next"]}


def as_they_were(session: Session, rows: list[BalanceRow], at: datetime, known_at: datetime) -> list[BalanceRow]:
    """Return the same places with the balances they had; nothing, where nothing had moved yet."""
    items, locations = {row.item_id for row in rows}, {row.location_id for row in rows}
    before = queries.as_of(session, sorted(items), sorted(locations), at=at, known_at=known_at)
    by_place = {(row.item_id, row.location_id): row for row in before}
    nothing = dict.fromkeys(STATES, 0)
    return [
        by_place.get(
            (row.item_id, row.location_id), BalanceRow(row.item_id, row.location_id, row.entity_id, nothing, 0)
        )
        for row in rows
    ]
