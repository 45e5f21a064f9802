"""What crosses the wire of policies, in and out: shape only."""

from marshmallow import Schema, validate
from marshmallow import fields as ma

from onhand.policies.backtesting import DAYS_MAX
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX
from onhand.rest.fields import Code, Moment, Text

__all__ = [
    "BacktestFoundSchema",
    "PolicyAppliedProfileSchema",
    "PolicyApplyProfileSchema",
    "PolicyBacktestListSchema",
    "PolicyBacktestSchema",
    "PolicyChangedSchema",
    "PolicyHistoryQuerySchema",
    "PolicyHistorySchema",
    "PolicyListSchema",
    "PolicyOneVersionSchema",
    "PolicyProfileDiffSchema",
    "PolicyProfileListSchema",
    "PolicyProfileQuerySchema",
    "PolicySchema",
    "PolicyVersionSchema",
    "PolicyWhyQuerySchema",
    "PolicyWhySchema",
]  # fmt: skip


class PolicyPlaceSchema(Schema):
    """A place by codes; nothing named is the whole group."""

    entity = Code()
    item = Code()
    category = Code()
    location = Code()
    channel = Code()


class PolicyVariableSchema(Schema):
    """A fact that a condition may ask about."""

    name = ma.String(required=True)
    type = ma.String(required=True)
    help = ma.String(required=True)


class PolicySchema(Schema):
    """What a policy is."""

    name = ma.String(required=True)
    addon = ma.String(required=True)
    label = ma.String(required=True)
    help = ma.String(required=True)
    type = ma.String(required=True)
    unit = ma.String(required=True, allow_none=True)
    default = ma.Raw(required=True)
    takes = ma.String(required=True)
    minimum = ma.Raw(required=True, allow_none=True)
    maximum = ma.Raw(required=True, allow_none=True)
    per = ma.List(ma.String(), required=True)
    choices = ma.List(ma.String(), required=True)
    variables = ma.List(ma.Nested(PolicyVariableSchema), required=True)


class PolicyListSchema(Schema):
    """Every policy."""

    items = ma.List(ma.Nested(PolicySchema), required=True)


class PolicyWhyQuerySchema(PolicyPlaceSchema):
    """The place and time asked about. Facts for conditions are further parameters, named as the policy's variables."""

    at = Moment()


class PolicyStepSchema(Schema):
    """A version in force there, or the default."""

    value = ma.Raw(required=True)
    place = ma.String(required=True)
    version = ma.Integer(required=True, allow_none=True)
    effective_from = Moment(required=True, allow_none=True)
    recorded_at = Moment(required=True, allow_none=True)
    by = ma.String(required=True, allow_none=True)
    reason = ma.String(required=True, allow_none=True)
    condition = ma.String(required=True, allow_none=True)


class PolicyWhySchema(Schema):
    """The value in force at a place and time, and why."""

    name = ma.String(required=True)
    value = ma.Raw(required=True)
    unit = ma.String(required=True, allow_none=True)
    place = ma.String(required=True)
    at = Moment(required=True)
    decided = ma.Nested(PolicyStepSchema, required=True)
    overridden = ma.List(ma.Nested(PolicyStepSchema), required=True)
    passed_over = ma.List(ma.Nested(PolicyStepSchema), required=True)


class PolicyEntrySchema(Schema):
    """A version with what it changed, and what became of it."""

    version = ma.Integer(required=True, attribute="id")
    place = ma.String(required=True)
    value = ma.Raw(required=True, allow_none=True)
    before = ma.String(required=True)
    condition = ma.String(required=True, allow_none=True)
    effective_from = Moment(required=True)
    recorded_at = Moment(required=True)
    by = ma.String(required=True)
    reason = ma.String(required=True, allow_none=True)
    state = ma.String(required=True)
    replaces = ma.Integer(required=True, allow_none=True)
    replaced_by = ma.Integer(required=True, allow_none=True)


class PolicyHistoryQuerySchema(Schema):
    """Where to go on, and how many versions at most."""

    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class PolicyHistorySchema(Schema):
    """A page of versions, newest effect first; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(PolicyEntrySchema), required=True)
    next = ma.String(required=True, allow_none=True)


class PolicyVersionSchema(Schema):
    """A version to set; value null ends what is set there."""

    value = ma.Raw(required=True, allow_none=True)
    place = ma.Nested(PolicyPlaceSchema, load_default=dict)
    effective_from = Moment()
    condition = Text(max=1_000)
    replaces = ma.Integer(strict=True, validate=validate.Range(min=1))
    reason = Text()
    dry_run = ma.Boolean(load_default=False)


class PolicyOneVersionSchema(Schema):
    """A version to go back to, or to cancel."""

    version = ma.Integer(required=True, strict=True, validate=validate.Range(min=1, max=2**63 - 1))
    reason = Text()
    dry_run = ma.Boolean(load_default=False)


class PolicyChangedSchema(Schema):
    """What became of a change: in force as `versions`, or waiting for the consent of `waiting_for`."""

    status = ma.String(required=True, validate=validate.OneOf(["set", "waiting", "dry_run"]))
    versions = ma.List(ma.Integer(), required=True)
    approval = ma.UUID(required=True, allow_none=True)
    waiting_for = ma.List(ma.String(), required=True)


class PolicyBacktestSchema(Schema):
    """A draft to replay recorded decisions through."""

    value = ma.Raw(required=True, allow_none=True)
    place = ma.Nested(PolicyPlaceSchema, load_default=dict)
    condition = Text(max=1_000)
    days = ma.Integer(strict=True, load_default=7, validate=validate.Range(min=1, max=DAYS_MAX))


class BacktestRowSchema(Schema):
    """A decision that would have been taken otherwise."""

    label = ma.String(required=True)
    href = ma.String(required=True)
    before = ma.String(required=True)
    after = ma.String(required=True)
    quantity = ma.Integer(required=True, allow_none=True)
    amount_minor = ma.Integer(required=True, allow_none=True)


class BacktestFoundSchema(Schema):
    """How many decisions a back-test looked at, and how many would have been taken otherwise; the newest of those."""

    examined = ma.Integer(required=True)
    different = ma.Integer(required=True)
    quantity = ma.Integer(required=True, allow_none=True)
    amount_minor = ma.Integer(required=True, allow_none=True)
    rows = ma.List(ma.Nested(BacktestRowSchema), required=True)
    notes = ma.List(ma.String(), required=True)


class PolicyTriedSchema(BacktestFoundSchema):
    """What one back-test found."""

    test = ma.String(required=True)


class PolicyBacktestListSchema(Schema):
    """What would have been decided differently in the last `days`."""

    days = ma.Integer(required=True)
    tests = ma.List(ma.Nested(PolicyTriedSchema), required=True)


class PolicyProfileSchema(Schema):
    """A profile."""

    name = ma.String(required=True)
    label = ma.String(required=True)
    help = ma.String(required=True)
    values = ma.Dict(keys=ma.String(), values=ma.Raw(), required=True)


class PolicyProfileListSchema(Schema):
    """Every profile."""

    items = ma.List(ma.Nested(PolicyProfileSchema), required=True)


class PolicyProfileQuerySchema(Schema):
    """The entity a profile is compared with."""

    entity = Code(required=True)


class PolicyProfileLineSchema(Schema):
    """A policy of a profile."""

    policy = ma.String(required=True)
    before = ma.String(required=True)
    after = ma.String(required=True)
    differs = ma.Boolean(required=True)


class PolicySkippedSchema(Schema):
    """What a profile names that cannot be set there."""

    policy = ma.String(required=True)
    because = ma.String(required=True)


class PolicyProfileDiffSchema(Schema):
    """What a profile would change in an entity."""

    profile = ma.String(required=True)
    lines = ma.List(ma.Nested(PolicyProfileLineSchema), required=True)
    skipped = ma.List(ma.Nested(PolicySkippedSchema), required=True)


class PolicyApplyProfileSchema(PolicyProfileQuerySchema):
    """The entity to bring to a profile."""

    reason = Text()


class PolicyAppliedProfileSchema(PolicyChangedSchema):
    """What became of it; nothing differing, nothing is set."""
