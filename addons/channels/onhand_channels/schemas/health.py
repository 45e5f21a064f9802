"""REST resources of channels' health."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import fields

__all__ = ["HealthSchema", "ModeChosenSchema", "ModeSchema"]

MODES = ("normal", "raise_buffer", "stop_holds", "suspend", "automatic")
REASON_CHARACTERS_MAX = 2_000


class HealthSchema(Schema):
    """A channel's last hour, of its newest 2,000 events; `faults` says what is beyond what its policies allow."""

    state = ma.String()
    mode = ma.String()
    chosen_by = ma.String()
    last_event_at = fields.Moment(allow_none=True)
    events = ma.Integer()
    parked = ma.Integer()
    conflicts = ma.Integer()
    p50_seconds = ma.Float(allow_none=True)
    p95_seconds = ma.Float(allow_none=True)
    limit_seconds = ma.Integer()
    faults = ma.List(ma.String())


class ModeSchema(Schema):
    """How far a channel shall be degraded, and why."""

    mode = ma.String(required=True, validate=validate.OneOf(MODES))
    reason = fields.Text(required=True, min=1, max=REASON_CHARACTERS_MAX)


class ModeChosenSchema(Schema):
    """What it was and what it is."""

    code = ma.String()
    before = ma.String()
    mode = ma.String()
