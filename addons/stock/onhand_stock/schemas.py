"""What crosses the wire: shape only."""

from typing import Any

from marshmallow import Schema, ValidationError, validate, validates_schema
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_stock.asked import STATUSES
from onhand_stock.kinds import ADJUSTABLE, ASKED_KINDS
from onhand_stock.states import STATES

__all__ = [
    "AdjustmentDetailSchema", "AdjustmentListSchema", "AdjustmentQuerySchema", "AdjustmentsAnsweredSchema",
    "AdjustmentsAskedSchema",
    "BalanceListSchema", "BalanceQuerySchema", "CountSchema", "CountedSchema", "MovementDetailSchema",
    "MovementListSchema", "MovementQuerySchema", "MovementSchema", "ReversalSchema", "ReversedSchema",
]  # fmt: skip

LINES_MAX = 1_000
REASON_CHARACTERS_MAX = 2_000
NAME = validate.Regexp(r"^\d{8}T\d{6}\.\d{6}Z-\d{1,18}$", error="Not the id of a movement.")


class _ListQuery(Schema):
    sku = fields.Code()
    location = fields.Code()
    state = ma.String(validate=validate.OneOf(STATES))
    at = fields.Moment()
    known_at = fields.Moment()
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class BalanceQuerySchema(_ListQuery):
    """What balances are narrowed by. `state`: those that have units in it now.

    `at` asks what was so in the world then, `known_at` as far as it was recorded by then; either may stand alone.
    """


class MovementQuerySchema(_ListQuery):
    """What ledger entries are narrowed by. `at`: those that had occurred; `known_at`: those that were recorded."""


class BalanceSchema(Schema):
    """Units of an item at a location, in its base unit, per state; `on_hand` is what is there less what is short."""

    sku = ma.String()
    location = ma.String()
    unit = ma.String()
    on_hand = ma.Integer()
    states = ma.Dict(keys=ma.String(), values=ma.Integer())


class BalanceListSchema(Schema):
    """A page of balances, by item and location."""

    as_of = fields.Moment()
    items = ma.List(ma.Nested(BalanceSchema))
    next = ma.String(allow_none=True)


class EndSchema(Schema):
    """One end of a movement: a state at a location, with the units the movement left there, or an outside account."""

    location = ma.String(allow_none=True)
    state = ma.String()
    after = ma.Integer(allow_none=True)


class MovementSchema(Schema):
    """A ledger entry. `id` names it for ever; `reverses` is the id of the entry it undoes.

    One that changes value has quantity 0 and a `value_minor`, in the currency of the location's entity.
    """

    id = ma.String()
    kind = ma.String()
    sku = ma.String()
    quantity = ma.Integer()
    from_ = ma.Nested(EndSchema, data_key="from")
    to = ma.Nested(EndSchema)
    value_minor = ma.Integer(allow_none=True)
    floor = ma.Integer(allow_none=True)
    document = ma.String()
    actor = ma.String()
    source = ma.String()
    source_event = ma.String(allow_none=True)
    reason = ma.String(allow_none=True)
    correlation = ma.String(allow_none=True)
    occurred_at = fields.Moment()
    recorded_at = fields.Moment()
    reverses = ma.String(allow_none=True)


class MovementListSchema(Schema):
    """A page of ledger entries, newest first."""

    items = ma.List(ma.Nested(MovementSchema))
    next = ma.String(allow_none=True)


class MovementDetailSchema(MovementSchema):
    """A ledger entry with the ids of those that undid it."""

    reversed_by = ma.List(ma.String())


class ReversalSchema(Schema):
    """Why an entry is undone."""

    reason = fields.Text(required=True, min=1, max=REASON_CHARACTERS_MAX)


class ReversedSchema(Schema):
    """The entry that was undone, and the entries that undid it."""

    reversed = ma.String()
    entries = ma.List(ma.Nested(MovementSchema))


class CountLineSchema(Schema):
    """Units found of an item. `position` is the id of the last movement of it here that the counter's list had seen."""

    sku = fields.Code(required=True)
    counted = fields.Qty(required=True, min=0)
    position = ma.String(validate=NAME)


class CountSchema(Schema):
    """What was found on the shelves of a location, and when. Each item once.

    Without a position, what occurred from `counted_at` on is taken to be later than the count.
    """

    location = fields.Code(required=True)
    counted_at = fields.Moment(required=True)
    reason = fields.Text(max=REASON_CHARACTERS_MAX)
    lines = ma.List(ma.Nested(CountLineSchema), required=True, validate=validate.Length(1, LINES_MAX))


class CountedLineSchema(Schema):
    """What the book expected of an item at the position, and what was posted for the difference."""

    id = ma.UUID()
    sku = ma.String()
    counted = ma.Integer()
    expected = ma.Integer()
    adjustment = ma.Integer()


class CountedSchema(Schema):
    """The counts as kept, in the order sent."""

    location = ma.String()
    counted_at = fields.Moment()
    lines = ma.List(ma.Nested(CountedLineSchema))


class AdjustmentQuerySchema(Schema):
    """What adjustments are narrowed by."""

    sku = fields.Code()
    location = fields.Code()
    status = ma.String(validate=validate.OneOf(STATUSES))
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class AdjustmentAskedSchema(Schema):
    """A change of one state of an item at a location: `expected` is what was seen there.

    Give `delta`, or `quantity` for what it shall be, or `value_minor` for a markdown. Without `kind` reason and sign say
    whether it is an adjustment or a write-off.
    """

    sku = fields.Code(required=True)
    location = fields.Code(required=True)
    state = ma.String(load_default="available", validate=validate.OneOf(ADJUSTABLE))
    expected = fields.Qty(required=True, min=0)
    delta = fields.Qty(min=-fields.QUANTITY_MAX)
    quantity = fields.Qty(min=0)
    value_minor = fields.Qty(min=-(10**15), max=10**15)
    kind = ma.String(validate=validate.OneOf(ASKED_KINDS))
    reason = fields.Code(required=True, max=40)
    note = fields.Text(load_default="", max=REASON_CHARACTERS_MAX)
    occurred_at = fields.Moment()

    @validates_schema
    def one_of_three(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a change that is given twice, or not at all."""
        if sum(name in data for name in ("delta", "quantity", "value_minor")) != 1:
            raise ValidationError("Give one of delta, quantity and value_minor.", "delta")


class AdjustmentsAskedSchema(Schema):
    """What is asked for, each for itself; one state of one shelf at most once."""

    adjustments = ma.List(ma.Nested(AdjustmentAskedSchema), required=True, validate=validate.Length(1, LINES_MAX))


class AdjustmentResultSchema(Schema):
    """What became of one request: its id and how far it has come, or `refused` with the field, the reason and `now`."""

    id = ma.UUID()
    status = ma.String()
    kind = ma.String()
    delta = ma.Integer()
    value_minor = ma.Integer(allow_none=True)
    approval_id = ma.UUID(allow_none=True)
    why = ma.String()
    field = ma.String()
    detail = ma.String()
    now = ma.Integer()


class AdjustmentsAnsweredSchema(Schema):
    """What became of each, in the order sent."""

    results = ma.List(ma.Nested(AdjustmentResultSchema))


class AdjustmentSchema(Schema):
    """A request for an adjustment, and how far it has come."""

    id = ma.UUID()
    status = ma.String()
    kind = ma.String()
    sku = ma.String()
    location = ma.String()
    state = ma.String()
    expected = ma.Integer()
    delta = ma.Integer()
    value_minor = ma.Integer(allow_none=True)
    reason = ma.String()
    note = ma.String()
    actor = ma.String()
    source = ma.String()
    approval_id = ma.UUID(allow_none=True)
    waiting_role = ma.String(allow_none=True)
    counted = ma.Integer(allow_none=True)
    outcome = ma.String(allow_none=True)
    occurred_at = fields.Moment()
    recorded_at = fields.Moment()
    posted_at = fields.Moment(allow_none=True)


class AdjustmentListSchema(Schema):
    """A page of adjustments, newest first."""

    items = ma.List(ma.Nested(AdjustmentSchema))
    next = ma.String(allow_none=True)


class AdjustmentDetailSchema(AdjustmentSchema):
    """An adjustment with the ids of the movements it was posted as."""

    entries = ma.List(ma.String())
