"""What crosses the wire: shape only."""

from marshmallow import Schema, validate
from marshmallow import fields as ma

from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

__all__ = [
    "NewReasonSchema",
    "ReasonChangeSchema",
    "ReasonListSchema",
    "ReasonQuerySchema",
    "ReasonRetirementSchema",
    "ReasonSchema",
]  # fmt: skip


class ReasonQuerySchema(Schema):
    """What a list is narrowed by. `kind`: those that may be given for a kind of movement."""

    kind = fields.Code()
    retired = ma.Boolean(load_default=False)
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class ReasonSchema(Schema):
    """A reason code. No kinds: it may be given for every kind of movement."""

    code = ma.String()
    label = ma.String()
    help = ma.String()
    kinds = ma.List(ma.String())
    owner_user_id = ma.Integer(allow_none=True)
    version = ma.Integer()
    recorded_at = fields.Moment()
    retired_at = fields.Moment(allow_none=True)


class ReasonListSchema(Schema):
    """A page of reason codes; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ReasonSchema))
    next = ma.String(allow_none=True)


class ReasonFieldsSchema(Schema):
    """What can be said of a reason code."""

    label = fields.Text(required=True, min=1, max=80)
    help = fields.Text(load_default="", max=500)
    kinds = ma.List(fields.Code(max=60), load_default=list, validate=validate.Length(0, 50))
    owner_user_id = ma.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 2**31 - 1))


class NewReasonSchema(ReasonFieldsSchema):
    """A reason code to add."""

    code = fields.Code(required=True, max=40)


class ReasonChangeSchema(ReasonFieldsSchema):
    """A reason code as it shall be, in place of the version that was seen."""

    version = ma.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))


class ReasonRetirementSchema(Schema):
    """Why it is retired or taken up again."""

    reason = fields.Text(load_default=None, allow_none=True, max=500)
