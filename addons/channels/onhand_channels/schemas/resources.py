"""REST resources: channels, their inbox, conflicts, latency, order lines."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_channels.models import KINDS
from onhand_channels.states import FIRST, PROPOSED, STATES

__all__ = [
    "ChannelListSchema", "ChannelPatchSchema", "ChannelQuerySchema", "ChannelSchema", "ConflictListSchema",
    "ConflictQuerySchema", "EventDetailSchema", "EventListSchema", "EventQuerySchema", "LatencyQuerySchema",
    "LatencyReportSchema", "OneEventQuerySchema", "OrderLineListSchema", "OrderQuerySchema", "ReplaySchema", "ReplayedSchema",
    "SettleSchema", "SettledSchema",
]  # fmt: skip

NAME_CHARACTERS_MAX = 200
EVENT_ID_CHARACTERS_MAX = 255
NOTE_CHARACTERS_MAX = 2_000
LOCATIONS_MAX = 1_000
IDS_MAX = 1_000
HOURS_MAX = 24 * 31


class PageQuerySchema(Schema):
    """Where in a list, and how much of it."""

    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class ChannelSchema(Schema):
    """A channel. Its code and its entity never change. `locations` are codes, in the order they are asked.

    It begins `proposed`, or `live` where its author may approve it; `active` says whether it is live.
    """

    code = fields.Code(required=True, max=64)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    kind = ma.String(required=True, validate=validate.OneOf(KINDS))
    entity = fields.Code(required=True)
    locations = ma.List(fields.Code(), load_default=list, validate=validate.Length(max=LOCATIONS_MAX))
    state = ma.String(load_default=PROPOSED, validate=validate.OneOf(FIRST), metadata={"enum": list(STATES)})
    active = ma.Boolean(dump_only=True)


class ChannelPatchSchema(Schema):
    """What shall change; locations replace the ones before."""

    name = fields.Text(min=1, max=NAME_CHARACTERS_MAX)
    kind = ma.String(validate=validate.OneOf(KINDS))
    locations = ma.List(fields.Code(), validate=validate.Length(max=LOCATIONS_MAX))


class ChannelQuerySchema(PageQuerySchema):
    """What a list is narrowed by. `q` is part of the name or the beginning of the code."""

    q = fields.Text(max=80)
    kind = ma.String(validate=validate.OneOf(KINDS))
    state = ma.String(validate=validate.OneOf(STATES))


class ChannelListSchema(Schema):
    """A page of channels; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ChannelSchema))
    next = ma.String(allow_none=True)


class EventQuerySchema(PageQuerySchema):
    """What an inbox is narrowed by."""

    outcome = ma.String(validate=validate.OneOf(["posted", "parked", "shadowed"]))
    reason = fields.Code()
    type = fields.Code(max=EVENT_ID_CHARACTERS_MAX)
    id = fields.Text(min=1, max=EVENT_ID_CHARACTERS_MAX)


class OneEventQuerySchema(Schema):
    """Which event."""

    id = fields.Text(required=True, min=1, max=EVENT_ID_CHARACTERS_MAX)


class EventSchema(Schema):
    """An event as it was kept. `reason`, `detail` and `mend` say why it is parked, or would be, and what to do."""

    id = ma.String()
    type = ma.String()
    outcome = ma.String()
    reason = ma.String(allow_none=True)
    detail = ma.String(allow_none=True)
    mend = ma.String(allow_none=True)
    occurred_at = fields.Moment(allow_none=True)
    recorded_at = fields.Moment()
    posted_at = fields.Moment(allow_none=True)


class EntrySchema(Schema):
    """A ledger entry that an event made, with the balances it left behind."""

    recorded_at = fields.Moment()
    id = ma.Integer()
    kind = ma.String()
    sku = ma.String()
    quantity = ma.Integer()
    from_location = ma.String(allow_none=True)
    from_state = ma.String()
    from_after = ma.Integer(allow_none=True)
    to_location = ma.String(allow_none=True)
    to_state = ma.String()
    to_after = ma.Integer(allow_none=True)


class ConflictSchema(Schema):
    """Another body that came under the id of an event. `body` is the text as it came."""

    id = ma.String()
    body = ma.String()
    recorded_at = fields.Moment()
    settled_at = fields.Moment(allow_none=True)
    settled_by = ma.String(allow_none=True)
    note = ma.String(allow_none=True)


class EventDetailSchema(EventSchema):
    """An event with its body, the text as it came, the ledger entries it made and the conflicts about it."""

    body = ma.String()
    entries = ma.List(ma.Nested(EntrySchema))
    conflicts = ma.List(ma.Nested(ConflictSchema))


class EventListSchema(Schema):
    """A page of events, newest first."""

    items = ma.List(ma.Nested(EventSchema))
    next = ma.String(allow_none=True)


class ReplaySchema(Schema):
    """Which parked events to try again: those named, or without ids all of them, behind the id `after`."""

    ids = ma.List(
        fields.Text(min=1, max=EVENT_ID_CHARACTERS_MAX), load_default=None, validate=validate.Length(1, IDS_MAX)
    )
    after = fields.Text(load_default="", max=EVENT_ID_CHARACTERS_MAX)


class OutcomeSchema(Schema):
    """What became of an event that was parked: posted, or parked still and why."""

    id = ma.String()
    outcome = ma.String()
    problem = ma.Dict(allow_none=True)


class ReplayedSchema(Schema):
    """What became of each; events that were not parked are left out. `next` is the `after` of what is left to try."""

    results = ma.List(ma.Nested(OutcomeSchema))
    next = ma.String(allow_none=True)


class ConflictQuerySchema(PageQuerySchema):
    """What a list of conflicts is narrowed by."""

    status = ma.String(load_default="open", validate=validate.OneOf(["open", "settled"]))


class ConflictListSchema(Schema):
    """A page of conflicts, newest first."""

    items = ma.List(ma.Nested(ConflictSchema))
    next = ma.String(allow_none=True)


class SettleSchema(Schema):
    """The events whose conflicts are looked into, and what was found."""

    ids = ma.List(fields.Text(min=1, max=EVENT_ID_CHARACTERS_MAX), required=True, validate=validate.Length(1, IDS_MAX))
    note = fields.Text(required=True, min=1, max=NOTE_CHARACTERS_MAX)


class SettledSchema(Schema):
    """The events where a conflict was open until now."""

    ids = ma.List(ma.String())


class LatencyQuerySchema(Schema):
    """How far back."""

    hours = ma.Integer(load_default=1, validate=validate.Range(1, HOURS_MAX))


class LatencySchema(Schema):
    """How long after they occurred events were recorded, in seconds. `type` null is all of them."""

    type = ma.String(allow_none=True)
    events = ma.Integer()
    p50_seconds = ma.Float()
    p95_seconds = ma.Float()
    max_seconds = ma.Float()
    since = fields.Moment()
    breach = ma.Boolean()


class LatencyReportSchema(Schema):
    """Latencies in all and per type, of at most the newest 100,000 events, against what the channel's policy allows."""

    channel = ma.String()
    hours = ma.Integer()
    limit_seconds = ma.Integer()
    types = ma.List(ma.Nested(LatencySchema))


class OrderQuerySchema(Schema):
    """Which order."""

    order = fields.Text(required=True, min=1, max=EVENT_ID_CHARACTERS_MAX)


class OrderLineSchema(Schema):
    """The facts of an order line in base units; `line` is empty where its sender names none."""

    line = ma.String()
    sku = ma.String()
    ordered = ma.Integer()
    cancelled = ma.Integer()
    fulfilled = ma.Integer()
    returned = ma.Integer()


class OrderLineListSchema(Schema):
    """All lines of an order that its channel has told of."""

    items = ma.List(ma.Nested(OrderLineSchema))
