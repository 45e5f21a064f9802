"""What crosses the wire at the doors of holds and availability. Shape only."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from onhand_reservations.services import LINES_MAX, QUANTITY_MAX
from onhand_reservations.values import Hold, Shortfall

__all__ = [
    "BATCH_MAX", "AvailabilityLine", "AvailabilityReport", "BatchBody", "BatchResults", "ChangeBody", "ExtendBody",
    "HoldBody", "HoldList", "HoldProblem",
]  # fmt: skip

BATCH_MAX = 256
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+\Z"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=PLAIN)]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+\Z")]


class LineBody(Struct, forbid_unknown_fields=True):
    """A line of a wish to hold."""

    sku: Name
    quantity: Quantity
    location: Name | None = None


class HoldBody(Struct, forbid_unknown_fields=True):
    """A wish to hold."""

    channel: Name
    reference: Name
    lines: Annotated[list[LineBody], Meta(min_length=1, max_length=LINES_MAX)]
    ttl_seconds: int | None = None


class KeyedHoldBody(HoldBody):
    """A wish to hold in a batch, with its own idempotency key."""

    key: Key = ""


class BatchBody(Struct, forbid_unknown_fields=True):
    """Wishes to hold, each standing alone."""

    requests: Annotated[list[KeyedHoldBody], Meta(min_length=1, max_length=BATCH_MAX)]


class LineQuantityBody(Struct, forbid_unknown_fields=True):
    """Some units of a hold's line."""

    line: Annotated[int, Meta(ge=1)]
    quantity: Quantity


class ChangeBody(Struct, forbid_unknown_fields=True):
    """What to confirm, release or fulfil; without lines all that is open. `event` names why a hold is released."""

    lines: Annotated[list[LineQuantityBody], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    event: Annotated[str, Meta(pattern=r"^(cancel|payment_failed|timeout|[a-z][a-z_]{0,39})\Z")] | None = None


class ExtendBody(Struct, forbid_unknown_fields=True):
    """How much longer to hold, from now."""

    ttl_seconds: int | None = None


class HoldList(Struct):
    """Holds, the newest first, and the cursor of those that follow."""

    items: list[Hold]
    next: str | None


class HoldProblem(Struct, omit_defaults=True):
    """Why it could not be done (RFC 9457); `shortfalls` and `as_of` where stock does not cover the lines."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = []
    shortfalls: list[Shortfall] = []
    as_of: datetime | None = None
    reason: str | None = None
    hold_status: str | None = None


class BatchResult(Struct):
    """The answer to one request of a batch: what the single door would have sent."""

    key: str
    status: int
    body: Annotated[dict[str, Any], Meta(description="A Hold, or a HoldProblem")]


class BatchResults(Struct):
    """One answer per request, in the order sent."""

    results: list[BatchResult]


class AvailabilityLine(Struct, omit_defaults=True, gc=False):
    """Units that may be promised now; without a location, over all of the channel's."""

    sku: str
    available_to_promise: int
    location: str | None = None


class AvailabilityReport(Struct):
    """What a channel may promise, as of the database's clock."""

    channel: str
    as_of: datetime
    items: list[AvailabilityLine]
    unknown: list[str]
