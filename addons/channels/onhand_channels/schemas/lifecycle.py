"""REST resources of a channel's life: steps, checklist, shadow report."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import fields

from onhand_channels.states import STATES

__all__ = [
    "ChecklistSchema", "ShadowLineListSchema", "ShadowReportSchema", "StepListSchema", "TransitionSchema",
    "TransitionedSchema",
]  # fmt: skip

NOTE_CHARACTERS_MAX = 2_000


class TransitionSchema(Schema):
    """The step that a channel shall take.

    `expected` is the state you saw: if it is another by now, the channel stays. Steps back, suspending and retiring need
    a `reason`. `replay_shadowed`: carry out, as of now, what it told before it was live; otherwise that counts never.
    """

    to = ma.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.Text(load_default="", max=NOTE_CHARACTERS_MAX)
    expected = ma.String(load_default=None, validate=validate.OneOf(STATES))
    replay_shadowed = ma.Boolean(load_default=False)


class StepSchema(Schema):
    """A step of a channel's life, with the checklist as it was then; `from_state` null is its beginning."""

    from_state = ma.String(allow_none=True)
    to_state = ma.String()
    recorded_at = fields.Moment()
    actor = ma.String()
    actor_name = ma.String()
    reason = ma.String(allow_none=True)
    checks = ma.List(ma.Dict(), allow_none=True)


class TransitionedSchema(Schema):
    """What became of a channel; `replayed` counts shadowed events that were carried out, `left` says if more are.

    Where others must agree first its state is as it was, `approval` is the request's id, `waits_for` their roles.
    """

    code = ma.String()
    from_state = ma.String()
    state = ma.String()
    approval = ma.String(allow_none=True)
    waits_for = ma.List(ma.String())
    replayed = ma.Integer()
    left = ma.Boolean()


class StepListSchema(Schema):
    """The steps of a channel's life, newest first, and the states it may go to now."""

    state = ma.String()
    next = ma.List(ma.String())
    items = ma.List(ma.Nested(StepSchema))


class CheckSchema(Schema):
    """An item of the checklist: whether it is fulfilled, why (not), what mends it and where."""

    name = ma.String()
    title = ma.String()
    is_fulfilled = ma.Boolean()
    detail = ma.String()
    mend = ma.String()
    href = ma.String()
    policy = ma.String()


class ChecklistSchema(Schema):
    """What must be so before a channel goes live, as it is now."""

    is_fulfilled = ma.Boolean()
    items = ma.List(ma.Nested(CheckSchema))


class ShadowProblemSchema(Schema):
    """Why shadowed events would have been parked, and what to do about it."""

    reason = ma.String()
    title = ma.String()
    mend = ma.String()
    count = ma.Integer()


class ShadowKindSchema(Schema):
    """What lines of one kind would have posted, in base units."""

    kind = ma.String()
    lines = ma.Integer()
    short = ma.Integer()
    quantity = ma.Integer()
    shortage = ma.Integer()


class ShadowReportSchema(Schema):
    """What a channel told before it was live, and what that would have posted; of the newest 100,000 events."""

    events = ma.Integer()
    clean = ma.Integer()
    problems = ma.List(ma.Nested(ShadowProblemSchema))
    kinds = ma.List(ma.Nested(ShadowKindSchema))


class ShadowLineSchema(Schema):
    """What one line would have posted; `shortage` is what the book would not have covered."""

    event = ma.String()
    recorded_at = fields.Moment()
    kind = ma.String()
    sku = ma.String()
    location = ma.String(allow_none=True)
    quantity = ma.Integer()
    shortage = ma.Integer()


class ShadowLineListSchema(Schema):
    """A page of lines, newest first."""

    items = ma.List(ma.Nested(ShadowLineSchema))
    next = ma.String(allow_none=True)
