"""REST resources of channels' own numbers."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import fields

from onhand_channels.schemas.resources import PageQuerySchema

__all__ = ["AcknowledgeSchema", "AcknowledgedSchema", "ReportListSchema", "ReportQuerySchema"]

SKUS_MAX = 1_000


class ReportQuerySchema(PageQuerySchema):
    """What a list of numbers is narrowed by: `gap` true are those that are off."""

    gap = ma.Boolean()
    location = fields.Code()


class ReportSchema(Schema):
    """A channel's newest own number, in base units, beside what the book had at that moment."""

    sku = ma.String()
    item = ma.String()
    location = ma.String()
    as_of = fields.Moment()
    event = ma.String()
    theirs = ma.Integer()
    ours = ma.Integer()
    difference = ma.Integer()
    tolerance = ma.Integer()
    is_gap = ma.Boolean()
    acknowledged_at = fields.Moment(allow_none=True)


class ReportListSchema(Schema):
    """A page of numbers, by location and item."""

    items = ma.List(ma.Nested(ReportSchema))
    next = ma.String(allow_none=True)


class AcknowledgeSchema(Schema):
    """The items whose numbers the channel has taken over from us at a location."""

    location = fields.Code(required=True)
    skus = ma.List(fields.Code(), required=True, validate=validate.Length(1, SKUS_MAX))


class AcknowledgedSchema(Schema):
    """The items where that was not noted yet."""

    skus = ma.List(ma.String())
