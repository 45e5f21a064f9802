"""REST resources of the availability feed."""

from marshmallow import Schema
from marshmallow import fields as ma
from onhand.rest import fields

__all__ = ["FeedSchema", "RetriedSchema"]


class ParkedKeySchema(Schema):
    """A number that is not tried again by itself, and why."""

    sku = ma.String()
    location = ma.String()
    reason = ma.String()
    detail = ma.String(allow_none=True)
    attempts = ma.Integer()
    parked_at = fields.Moment()


class StaleKeySchema(Schema):
    """A number of which the channel has another, again and again, than the last that it acknowledged."""

    sku = ma.String()
    location = ma.String()
    theirs = ma.Integer()
    acknowledged = ma.Integer(allow_none=True)
    theirs_at = fields.Moment()


class FeedSchema(Schema):
    """A channel's feed: numbers due and since when, parked, stale; the lag of what was acknowledged in the last hour."""

    publisher = ma.String(allow_none=True)
    due = ma.Integer()
    oldest_due_at = fields.Moment(allow_none=True)
    parked = ma.Integer()
    stale = ma.Integer()
    in_flight = ma.Integer()
    acknowledged = ma.Integer()
    p50_seconds = ma.Float(allow_none=True)
    p95_seconds = ma.Float(allow_none=True)
    paused_until = fields.Moment(allow_none=True)
    is_behind = ma.Boolean()
    writes_per_minute = ma.Integer()
    stale_keys = ma.List(ma.Nested(StaleKeySchema))
    parked_keys = ma.List(ma.Nested(ParkedKeySchema))


class RetriedSchema(Schema):
    """How many parked numbers are due again."""

    keys = ma.Integer()
