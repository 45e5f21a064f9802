"""REST: `/api/v1/movements`, the ledger."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from msgspec.json import encode
from onhand import problems
from onhand.access import actor, in_scope, requires
from onhand.idempotency import Answer, once
from onhand.rest import page
from onhand_master_data.api import describe_items, describe_locations
from sqlalchemy.orm import Session

from onhand_stock import queries, schemas, services
from onhand_stock.listings import EntryFilter, entries_listed, entry_order
from onhand_stock.movements import Refused
from onhand_stock.views.asking import entry_of, known_item, known_location, may_at_ends, reach
from onhand_stock.views.wire import entries_on_wire

__all__ = ["AlreadyReversed", "NotReversible", "UnitsMovedOn", "movements_api", "reverse_one"]

movements_api = Blueprint("stock_api_movements", __name__, url_prefix="/movements", description="The ledger")

KEY = {
    "in": "header", "name": "Idempotency-Key", "required": True, "schema": {"type": "string"},
    "description": "The same for each try of one request.",
}  # fmt: skip


class AlreadyReversed(problems.Conflict):
    """This ledger entry has been reversed before, and is reversed at most once; `reversed_by` names what did."""

    type, title = "movement-already-reversed", "The entry has been reversed already"


class NotReversible(problems.Conflict):
    """This ledger entry is undone in another way, which the detail names."""

    type, title = "movement-not-reversible", "The entry is undone in another way"


class UnitsMovedOn(problems.Conflict):
    """The units of this intent are no longer where it put them; `shortfalls` says how many are."""

    type, title = "movement-units-moved-on", "The units have moved on"


@movements_api.route("")
class Movements(MethodView):
    """Ledger entries."""

    @requires("stock.read")
    @movements_api.arguments(schemas.MovementQuerySchema, location="query")
    @movements_api.response(200, schemas.MovementListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List ledger entries, newest first."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            narrowed = EntryFilter(
                item_id=known_item(session, wanted["sku"]).id if "sku" in wanted else None,
                location_id=known_location(session, wanted["location"]).id if "location" in wanted else None,
                state=wanted.get("state"),
                at=wanted.get("at"),
                known_at=wanted.get("known_at"),
            )
            query = entries_listed(narrowed, reach())
            found = page(session, query, entry_order(narrowed), wanted.get("cursor"), wanted["limit"])
            return {"items": entries_on_wire(session, found["items"]), "next": found["next"]}

        return in_scope(command)


@movements_api.route("/<name>")
class OneMovement(MethodView):
    """One ledger entry."""

    @requires("stock.read")
    @movements_api.response(200, schemas.MovementDetailSchema)
    def get(self, name: str) -> dict[str, Any]:
        """Return a ledger entry, and what undid it."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            entry = entry_of(session, name)
            [shown] = entries_on_wire(session, [entry])
            return shown | {"reversed_by": queries.reversals_of(session, entry)}

        return in_scope(command)


@movements_api.route("/<name>/reverse", methods=["POST"])
@requires("stock.adjust")
@movements_api.arguments(schemas.ReversalSchema)
@movements_api.response(201, schemas.ReversedSchema)
@movements_api.doc(parameters=[KEY])
def reverse(asked: dict[str, str], name: str) -> Response:
    """Undo a ledger entry by new ones that name it: of a fact always, of an intent while its units are still there."""

    def command(session: Session, now: datetime) -> Answer:
        entries = reverse_one(session, name, asked["reason"], now)
        document = {"reversed": name, "entries": entries_on_wire(session, entries)}
        return 201, encode(schemas.ReversedSchema().dump(document))

    return once(command)


def reverse_one(session: Session, name: str, reason: str, now: datetime) -> Sequence[Any]:
    """Reverse the entry of a name for the one who asks and return the new entries; a Problem when it cannot be."""
    entry = entry_of(session, name)
    if not may_at_ends("stock.adjust", entry):
        raise problems.NotFound(f"there is no ledger entry {name!r} here")
    try:
        [result] = services.reverse(session, [(entry.recorded_at, entry.id)], by=actor(), now=now, reason=reason)
    except services.AlreadyReversed:
        raise AlreadyReversed(reversed_by=queries.reversals_of(session, entry)) from None
    except services.NotReversible as refusal:
        raise NotReversible(str(refusal)) from None
    if isinstance(result, Refused):
        raise UnitsMovedOn(shortfalls=_shortfalls(session, result), as_of=now)
    return queries.find_entries(session, now, [made.id for made in result.entries], dict.fromkeys(reach()))


def _shortfalls(session: Session, refused: Refused) -> list[dict[str, Any]]:
    items = describe_items(session, {one.item_id for one in refused.shortfalls})
    locations = describe_locations(session, {one.location_id for one in refused.shortfalls})
    return [
        {
            "sku": items[one.item_id].sku,
            "location": locations[one.location_id].code,
            "requested": one.requested,
            "available": one.available,
        }
        for one in refused.shortfalls
    ]
