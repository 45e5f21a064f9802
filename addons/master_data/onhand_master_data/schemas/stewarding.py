"""Authorities, change requests, data quality, rules and field owners as they cross the wire."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import fields

from onhand_master_data.authority import DOMAINS
from onhand_master_data.schemas.things import PageQuerySchema

__all__ = [
    "AskedForSchema",
    "AuthorityEndSchema",
    "AuthorityListSchema",
    "AuthorityQuerySchema",
    "AuthoritySchema",
    "ChangeRequestListSchema",
    "ChangeRequestQuerySchema",
    "ChangeRequestSchema",
    "DistinctSchema",
    "FieldOwnerListSchema",
    "FindingListSchema",
    "FindingQuerySchema",
    "MergeSchema",
    "MergedSchema",
    "NewFieldOwnerAnswerSchema",
    "NewFieldOwnerSchema",
    "RuleListSchema",
    "RuleSchema",
    "ScoreListSchema",
]  # fmt: skip


class AuthoritySchema(Schema):
    """From `effective_from` (now, unless said) until `effective_until` a system is authoritative for an entity's domain.

    `replace` ends the period that is in force then.
    """

    id = ma.Integer(dump_only=True)
    entity = fields.Code(required=True)
    domain = ma.String(required=True, validate=validate.OneOf(list(DOMAINS)))
    system = fields.Code(required=True)
    effective_from = fields.Moment(allow_none=True, load_default=None)
    effective_until = fields.Moment(allow_none=True, load_default=None)
    reason = fields.Text(allow_none=True, load_default=None, max=200)
    replace = ma.Boolean(load_default=False, load_only=True)


class AuthorityQuerySchema(Schema):
    """What the registry is narrowed by."""

    domain = ma.String(validate=validate.OneOf(list(DOMAINS)))
    at = fields.Moment()


class AuthorityListSchema(Schema):
    """Periods of the registry."""

    items = ma.List(ma.Nested(AuthoritySchema))


class AuthorityEndSchema(Schema):
    """When a period shall end: now, unless said."""

    at = fields.Moment(allow_none=True, load_default=None)


class ChangeRequestLineSchema(Schema):
    """One line of what changes."""

    label = ma.String()
    before = ma.Raw(allow_none=True)
    after = ma.Raw(allow_none=True)
    unit = ma.String(allow_none=True)


class ChangeRequestSchema(Schema):
    """A change that waits for consent or for its day, or what became of it."""

    id = ma.UUID()
    approval = ma.UUID(attribute="approval_id", allow_none=True)
    subject = ma.String()
    names = ma.List(ma.String())
    title = ma.String()
    status = ma.String()
    detail = ma.String(allow_none=True)
    note = ma.String(allow_none=True)
    effective_at = fields.Moment(allow_none=True)
    requested_at = fields.Moment()
    requester = ma.String(attribute="requester_name")
    changes = ma.List(ma.Nested(ChangeRequestLineSchema), attribute="differences")


class RequestedSchema(Schema):
    """A request that a change became; the roles in `waits_for` must agree."""

    id = ma.UUID()
    approval = ma.UUID()
    status = ma.String()
    title = ma.String()
    waits_for = ma.List(ma.String())
    href = ma.String()


class AskedForSchema(Schema):
    """What is answered where a change waits for consent or for its day."""

    request = ma.Nested(RequestedSchema)


class ChangeRequestListSchema(Schema):
    """A page of requests, the newest first; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ChangeRequestSchema))
    next = ma.String(allow_none=True)


class ChangeRequestQuerySchema(PageQuerySchema):
    """What a list is narrowed by."""

    status = ma.String(
        validate=validate.OneOf(["pending", "scheduled", "applied", "failed", "withdrawn", "rejected", "returned"])
    )


class MergeSchema(Schema):
    """What an item is merged into, from which day on (as soon as it may), and why.

    `stock_survivor` lets whoever stocks the item stock the survivor from then on.
    """

    survivor = fields.Code(required=True)
    stock_survivor = ma.Boolean(load_default=False)
    effective_at = fields.Moment(load_default=None, allow_none=True)
    note = fields.Text(load_default=None, allow_none=True, max=500)
    dry_run = ma.Boolean(load_default=False)


class MergedSchema(Schema):
    """What a merge changes, or would change."""

    changes = ma.List(ma.Nested(ChangeRequestLineSchema))
    dry_run = ma.Boolean()


class DistinctSchema(Schema):
    """What an item is no duplicate of, and how one can tell."""

    other = fields.Code(required=True)
    note = fields.Text(load_default=None, allow_none=True, max=500)


class ScoreSchema(Schema):
    """An entity's score of 100, and what makes it: findings by rule."""

    entity = ma.String()
    score = ma.String()
    items = ma.Integer()
    with_findings = ma.Integer()
    findings = ma.Dict(keys=ma.String(), values=ma.Integer())
    measured_at = fields.Moment()


class ScoreListSchema(Schema):
    """Scores of entities."""

    items = ma.List(ma.Nested(ScoreSchema))


class FindingSchema(Schema):
    """Something that is wrong with an item."""

    sku = ma.String()
    name = ma.String()
    rule = ma.String()
    field = ma.String()
    message = ma.String()
    points = ma.Integer()
    found_at = fields.Moment()


class FindingQuerySchema(PageQuerySchema):
    """What findings are narrowed by."""

    entity = fields.Code()
    rule = fields.Code()
    q = fields.Text(max=80)


class FindingListSchema(Schema):
    """A page of findings; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(FindingSchema))
    next = ma.String(allow_none=True)


class RuleSchema(Schema):
    """Where a rule holds: for a category (all) of an entity, from a time on (now). `blocks`: what breaks it is refused."""

    id = ma.Integer(dump_only=True)
    rule = fields.Code(required=True)
    parameter = fields.Text(load_default="", max=200)
    category = fields.Code(allow_none=True, load_default=None)
    entity = fields.Code(required=True)
    blocks = ma.Boolean(load_default=False)
    effective_from = fields.Moment(allow_none=True, load_default=None)


class FieldOwnerSchema(Schema):
    """Who must agree to a change of a field, in turn. `said_by` a rule of the `entity` or `group`, or `shipped`; `own`: of it alone."""

    entity = ma.String(allow_none=True)
    field = ma.String()
    label = ma.String()
    roles = ma.List(ma.String())
    said_by = ma.String()
    own = ma.Boolean()


class FieldOwnerListSchema(Schema):
    """Owners of fields."""

    items = ma.List(ma.Nested(FieldOwnerSchema))


class NewFieldOwnerSchema(Schema):
    """The role that owns a field, as `item.name`, of an entity or the group; without a role whoever owns its class does again."""

    field = fields.Code(required=True)
    role = fields.Code(required=True, allow_none=True)
    entity = fields.Code(required=True, allow_none=True)
    note = fields.Text(load_default=None, allow_none=True)


class NewFieldOwnerAnswerSchema(Schema):
    """What became of it: `approved` holds from now on, `pending` waits for the roles named."""

    approval = ma.UUID()
    status = ma.String()
    waits_for = ma.List(ma.String())


class RuleListSchema(Schema):
    """Settings of rules."""

    items = ma.List(ma.Nested(RuleSchema))
