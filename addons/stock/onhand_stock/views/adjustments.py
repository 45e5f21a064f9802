"""REST: `/api/v1/adjustments`."""
# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from flask_smorest import Blueprint
from msgspec.json import encode
from onhand import problems
from onhand.access import actor, in_scope, principal, requires
from onhand.idempotency import Answer, once
from onhand.ids import uuid7
from onhand.problems import FieldError, field_error
from onhand.rest import page
from onhand_master_data.api import resolve_items
from sqlalchemy.orm import Session

from onhand_stock import schemas
from onhand_stock.asked import ADJUSTMENT_ORDER, AdjustmentFilter, adjustments_listed
from onhand_stock.services import Adjust, Adjusted, NotAdjusted, adjust
from onhand_stock.views.adjusting import AdjustmentStale, adjustments_on_wire, asked_here, may_post, refusal
from onhand_stock.views.asking import known_item, known_location, reach
from onhand_stock.views.movements import KEY

__all__ = ["adjustments_api"]

adjustments_api = Blueprint(
    "stock_api_adjustments", __name__, url_prefix="/adjustments", description="What was found, lost or written off"
)


@adjustments_api.route("")
class Adjustments(MethodView):
    """What was asked for."""

    @requires("stock.read")
    @adjustments_api.arguments(schemas.AdjustmentQuerySchema, location="query")
    @adjustments_api.response(200, schemas.AdjustmentListSchema)
    def get(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """List adjustments, newest first."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            narrowed = AdjustmentFilter(
                status=wanted.get("status"),
                item_ids=[known_item(session, wanted["sku"]).id] if "sku" in wanted else None,
                location_id=known_location(session, wanted["location"]).id if "location" in wanted else None,
            )
            query = adjustments_listed(narrowed, reach())
            found = page(session, query, ADJUSTMENT_ORDER, wanted.get("cursor"), wanted["limit"])
            return {"items": adjustments_on_wire(session, found["items"]), "next": found["next"]}

        return in_scope(command)

    @requires("stock.work")
    @adjustments_api.arguments(schemas.AdjustmentsAskedSchema)
    @adjustments_api.response(201, schemas.AdjustmentsAnsweredSchema)
    @adjustments_api.doc(parameters=[KEY])
    def post(self, given: dict[str, Any]) -> Response:
        """Ask for adjustments. Each stands alone: taken up, or refused with its reason and the number of now.

        Within tolerance, and with the permission stock.adjust, it is posted at once; else it waits for a recount or for
        approval. Where every one of them is refused the answer is 409, or 422 where fields are wrong.
        """
        asked: Sequence[dict[str, Any]] = given["adjustments"]

        def command(session: Session, now: datetime) -> Answer:
            requests = _requests(session, asked)
            answers = adjust(session, requests, by=actor(), now=now, source=principal().source or "stock")
            results = [_result(answer, number) for number, answer in enumerate(answers)]
            if not any(isinstance(answer, Adjusted) for answer in answers):
                raise _problem([answer for answer in answers if isinstance(answer, NotAdjusted)], results, now)
            return 201, encode(schemas.AdjustmentsAnsweredSchema().dump({"results": results}))

        return once(command)


@adjustments_api.route("/<uuid:adjustment_id>")
class OneAdjustment(MethodView):
    """One of them."""

    @requires("stock.read")
    @adjustments_api.response(200, schemas.AdjustmentDetailSchema)
    def get(self, adjustment_id: UUID) -> dict[str, Any]:
        """Return an adjustment, how far it has come, and the ids of the movements it was posted as."""

        def command(session: Session, _: datetime) -> dict[str, Any]:
            row = asked_here(session, adjustment_id)
            return adjustments_on_wire(session, [row], with_entries=True)[0]

        return in_scope(command)


def _requests(session: Session, asked: Sequence[dict[str, Any]]) -> list[Adjust]:
    known = resolve_items(session, [one["sku"] for one in asked]).by_sku
    places = {code: known_location(session, code, "stock.work") for code in {one["location"] for one in asked}}
    errors: list[FieldError] = []
    for number, one in enumerate(asked):
        item, field = known.get(one["sku"]), f"adjustments[{number}].sku"
        if item is None:
            errors.append(field_error(field, "there is no active item of this SKU", one["sku"]))
        elif places[one["location"]].entity_id not in item.entity_ids:
            errors.append(field_error(field, "this entity does not stock it", one["sku"]))
    if errors:
        raise problems.Invalid(errors=errors)
    return [
        Adjust(
            id=uuid7(),
            entity_id=(place := places[one["location"]]).entity_id,
            item_id=known[one["sku"]].id,
            location_id=place.id,
            state=one["state"],
            expected=one["expected"],
            delta=one["quantity"] - one["expected"] if "quantity" in one else one.get("delta", 0),
            reason=one["reason"],
            note=one["note"],
            kind=one.get("kind"),
            value_minor=one.get("value_minor"),
            occurred_at=one.get("occurred_at"),
            is_trusted=may_post(place.entity_id, place.id),
        )
        for one in asked
    ]


def _result(answer: Adjusted | NotAdjusted, number: int) -> dict[str, Any]:
    if isinstance(answer, NotAdjusted):
        return refusal(answer, f"adjustments[{number}].{answer.field}")
    return {
        "id": answer.id, "status": answer.status, "kind": answer.kind, "delta": answer.delta,
        "value_minor": answer.value_minor, "approval_id": answer.approval_id,
    }  # fmt: skip


def _problem(refused: Sequence[NotAdjusted], results: list[dict[str, Any]], now: datetime) -> problems.Problem:
    errors = [field_error(result["field"], result["detail"], result.get("now")) for result in results]
    if all(one.why == "stale" for one in refused):
        return AdjustmentStale(
            refused[0].detail, errors=errors, now=[one.now for one in refused], as_of=now.isoformat()
        )
    return problems.Invalid(refused[0].detail, errors=errors)
