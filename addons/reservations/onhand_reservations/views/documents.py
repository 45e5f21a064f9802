"""The hot doors in the API's description, from the types they decode and answer."""

from typing import Any

from onhand.rest import document

from onhand_reservations.schemas import (
    AvailabilityReport,
    BatchBody,
    BatchResults,
    ChangeBody,
    ExtendBody,
    HoldBody,
    HoldList,
    HoldProblem,
)
from onhand_reservations.values import Hold
from onhand_reservations.views import availability, changes, holds, looking

__all__ = ["TAGS"]

TAGS = ["reservations"]
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "1 to 255 visible ASCII characters, the same for each try of one request. Its answer, a refusal "
    "included, is replayed for 30 days; with another body it is refused.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def _json(schema: Any, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": HoldProblem}}}


def _body(schema: Any, *, required: bool) -> dict[str, Any]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _query(name: str, description: str, *, many: bool = False, required: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": {"type": "array", "items": schema} if many else schema,
    }


REFUSALS = {
    "400": _problem("No JSON, or no Idempotency-Key"),
    "404": _problem("No such channel or hold within reach"),
    "422": _problem("The body does not fit, names something unknown, or the key was used for another one"),
}
WHAT = {
    "confirm": ("Confirm a hold", "It no longer expires. Refused once its time is up, by the database's clock."),
    "release": ("Release a hold", "Its units may be promised again: all that is open, or some units of some lines."),
    "fulfil": (
        "Fulfil a hold",
        "Its units leave stock: all that is open, or some units of some lines. Only a confirmed hold is fulfilled.",
    ),
}

document(
    holds.hold,
    "/api/v1/reservations",
    {
        "post": {
            "summary": "Hold stock",
            "description": "All lines or none. A line without location takes the first of the channel's locations "
            "that covers it whole above its buffer.",
            "tags": TAGS,
            "parameters": [KEY],
            "requestBody": _body(HoldBody, required=True),
            "responses": {
                "201": _json(Hold, "Held until `expires_at`"),
                "409": _problem("Not enough may be promised: `shortfalls` has the numbers"),
                **REFUSALS,
            },
        }
    },
)
document(
    looking.list_holds,
    "/api/v1/reservations",
    {
        "get": {
            "summary": "List holds, the newest first",
            "tags": TAGS,
            "parameters": [
                _query("channel", "A channel's code"),
                _query("reference", "The channel's own name for the order"),
                _query("status", "held, confirmed, fulfilled, released, expired, or open for the first two", many=True),
                _query("cursor", "Where the page before ended"),
                _query("limit", "1 to 200; 50 unless said"),
            ],
            "responses": {"200": _json(HoldList, "A page"), "400": REFUSALS["400"], "404": REFUSALS["404"]},
        }
    },
)
document(
    holds.hold_batch,
    "/api/v1/reservations/batch",
    {
        "post": {
            "summary": "Hold for up to 256 requests",
            "description": "Each stands alone under its own key, and is answered as the single door would.",
            "tags": TAGS,
            "requestBody": _body(BatchBody, required=True),
            "responses": {"200": _json(BatchResults, "One answer per request, in the order sent"), **REFUSALS},
        }
    },
)
document(
    looking.show,
    "/api/v1/reservations/{hold_id}",
    {
        "get": {
            "summary": "Look a hold up",
            "tags": TAGS,
            "responses": {"200": _json(Hold, "As it stands"), "404": REFUSALS["404"]},
        }
    },
)
document(
    changes.extend,
    "/api/v1/reservations/{hold_id}/extend",
    {
        "post": {
            "summary": "Hold longer",
            "description": "Before expiry `expires_at` moves, within the channel's policy. After it the units are "
            "checked for again: the answer is a new hold that names the old one as `replaces`, or a refusal.",
            "tags": TAGS,
            "parameters": [KEY],
            "requestBody": _body(ExtendBody, required=False),
            "responses": {"200": _json(Hold, "Extended, or held anew"), "409": _problem("Refused"), **REFUSALS},
        }
    },
)
for verb, (summary, description) in WHAT.items():
    document(
        getattr(changes, verb),
        f"/api/v1/reservations/{{hold_id}}/{verb}",
        {
            "post": {
                "summary": summary,
                "description": description,
                "tags": TAGS,
                "parameters": [KEY],
                "requestBody": _body(ChangeBody, required=False),
                "responses": {
                    "200": _json(Hold, "As it now stands"),
                    "409": _problem("The hold's status, or what is open of it, does not allow it"),
                    **REFUSALS,
                },
            }
        },
    )
document(
    availability.show_availability,
    "/api/v1/availability",
    {
        "get": {
            "summary": "What a channel may promise now",
            "description": "`available` less buffer, never below 0: per location asked for, or summed over the channel's.",
            "tags": TAGS,
            "parameters": [
                _query("channel", "A channel's code", required=True),
                _query("sku", "1 to 200 items", many=True, required=True),
                _query("location", "At most 200 locations", many=True),
            ],
            "responses": {"200": _json(AvailabilityReport, "One entry per item, or per item and location"), **REFUSALS},
        }
    },
)
