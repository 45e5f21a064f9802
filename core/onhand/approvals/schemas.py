"""What crosses the wire: shape only."""

from marshmallow import Schema, validate
from marshmallow import fields as ma

from onhand.approvals.backtesting import DAYS_MAX
from onhand.approvals.services.bulk import BULK_MAX
from onhand.policies.schemas import BacktestFoundSchema
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

__all__ = [
    "ApprovalBulkAnswerSchema",
    "ApprovalBulkSchema",
    "ApprovalDecisionSchema",
    "ApprovalDetailSchema",
    "ApprovalListSchema",
    "ApprovalQuerySchema",
    "ApprovalRevisionSchema",
    "ApprovalRuleAnswerSchema",
    "ApprovalRuleBacktestAnswerSchema",
    "ApprovalRuleBacktestSchema",
    "ApprovalRuleChangeSchema",
    "ApprovalRuleListSchema",
    "ApprovalWithdrawalSchema",
    "DelegationListSchema",
    "DelegationSchema",
    "NewDelegationSchema",
]  # fmt: skip

STATUSES = ["pending", "approved", "returned", "rejected", "withdrawn"]
VERDICTS = ["approve", "return", "reject"]
NUMBER_MAX = 2**63 - 1


class ApprovalQuerySchema(Schema):
    """What a list is narrowed by. `view`: what waits for one's own decision, what one asked for, all that is pending, or decided."""

    view = ma.String(load_default="pending", validate=validate.OneOf(["waiting", "mine", "pending", "decided"]))
    status = ma.String(validate=validate.OneOf(STATUSES))
    kind = fields.Code()
    entity = fields.Code()
    location = fields.Code()
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class ApprovalChangeSchema(Schema):
    """One line of before → after."""

    label = ma.String()
    before = ma.Raw(allow_none=True)
    after = ma.Raw(allow_none=True)
    unit = ma.String(allow_none=True)


class ApprovalProofSchema(Schema):
    """What speaks for it, and the page that shows it."""

    label = ma.String()
    value = ma.String(allow_none=True)
    href = ma.String(allow_none=True)


class ApprovalStepSchema(Schema):
    """A consent that is needed: of a person with this role, in this turn."""

    tier = ma.Integer()
    role = ma.String()


class ApprovalSchema(Schema):
    """A change that somebody asks for. Amounts are minor units of `currency`, quantities base units."""

    id = ma.UUID()
    kind = ma.String()
    entity = ma.String(allow_none=True)
    location = ma.String(allow_none=True)
    subject = ma.String(allow_none=True)
    status = ma.String()
    version = ma.Integer()
    title = ma.String()
    quantity = ma.Integer(allow_none=True)
    amount_minor = ma.Integer(allow_none=True)
    currency = ma.String(allow_none=True)
    weighed_quantity = ma.Integer()
    weighed_amount_minor = ma.Integer()
    changes = ma.List(ma.Nested(ApprovalChangeSchema))
    atp_before = ma.Integer(allow_none=True)
    atp_after = ma.Integer(allow_none=True)
    evidence = ma.List(ma.Nested(ApprovalProofSchema))
    reason = ma.String(allow_none=True)
    note = ma.String(allow_none=True)
    requester = ma.String()
    requester_name = ma.String()
    steps = ma.List(ma.Nested(ApprovalStepSchema))
    step = ma.Integer()
    waiting_role = ma.String(allow_none=True)
    asked_at = fields.Moment()
    decided_at = fields.Moment(allow_none=True)
    href = ma.String(allow_none=True)
    may_decide = ma.Boolean()
    why_not = ma.String(allow_none=True)


class ApprovalActivitySchema(Schema):
    """Something that was done to an approval."""

    verb = ma.String()
    version = ma.Integer()
    tier = ma.Integer(allow_none=True)
    role = ma.String(allow_none=True)
    actor = ma.String()
    actor_name = ma.String()
    instead_of = ma.String(allow_none=True)
    note = ma.String(allow_none=True)
    recorded_at = fields.Moment()


class ApprovalDetailSchema(ApprovalSchema):
    """An approval with what was done to it."""

    activity = ma.List(ma.Nested(ApprovalActivitySchema))


class ApprovalListSchema(Schema):
    """A page of approvals; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ApprovalSchema))
    next = ma.String(allow_none=True)


class ApprovalDecisionSchema(Schema):
    """One's word on the version one saw. To return or reject takes a reason."""

    version = ma.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    verdict = ma.String(required=True, validate=validate.OneOf(VERDICTS))
    reason = fields.Text(load_default=None, allow_none=True)


class ApprovalOneOfManySchema(ApprovalDecisionSchema):
    """A decision with the approval it is about."""

    id = ma.UUID(required=True)


class ApprovalBulkSchema(Schema):
    """Decisions on approvals of one kind."""

    decisions = ma.List(ma.Nested(ApprovalOneOfManySchema), required=True, validate=validate.Length(1, BULK_MAX))


class ApprovalOutcomeSchema(Schema):
    """What became of one decision: `decided` with the status, or `refused` with why and the version to look at."""

    id = ma.UUID(allow_none=True)
    outcome = ma.String()
    status = ma.String(allow_none=True)
    version = ma.Integer(allow_none=True)
    why = ma.String(allow_none=True)
    detail = ma.String(allow_none=True)


class ApprovalBulkAnswerSchema(Schema):
    """The outcomes, in the order sent."""

    results = ma.List(ma.Nested(ApprovalOutcomeSchema))


class ApprovalWithdrawalSchema(Schema):
    """Why it is taken back, if that is worth a word."""

    note = fields.Text(load_default=None, allow_none=True)


class ApprovalRevisionSchema(Schema):
    """What is wanted instead, of the version one saw: one part at least. Consents given are void."""

    version = ma.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    quantity = ma.Integer(strict=True, validate=validate.Range(-NUMBER_MAX, NUMBER_MAX))
    amount_minor = ma.Integer(strict=True, validate=validate.Range(-NUMBER_MAX, NUMBER_MAX))
    note = fields.Text()
    reason = fields.Code()
    location = fields.Code()


class ApprovalRuleSchema(Schema):
    """From an amount or a quantity on (inclusive; either suffices; neither: always), a role must agree in its turn."""

    id = ma.Integer(dump_only=True)
    entity = ma.String(dump_only=True, allow_none=True)
    kind = fields.Code(required=True)
    role = fields.Code(required=True)
    tier = ma.Integer(load_default=1, strict=True)
    location_id = ma.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    location = fields.Code(load_default=None, allow_none=True)
    amount_from_minor = ma.Integer(load_default=None, allow_none=True, strict=True)
    currency = ma.String(load_default=None, allow_none=True, validate=validate.Regexp(r"^[A-Z]{3}\Z"))
    quantity_from = ma.Integer(load_default=None, allow_none=True, strict=True)
    field = fields.Code(load_default=None, allow_none=True)


class ApprovalRuleChangeSchema(Schema):
    """Rules to add and to retire at one place; without an entity, in the whole group. `key` names the wish."""

    key = fields.Code(required=True, max=200)
    entity = fields.Code(load_default=None, allow_none=True)
    add = ma.List(ma.Nested(ApprovalRuleSchema), load_default=list, validate=validate.Length(0, 50))
    retire = ma.List(ma.Integer(strict=True, validate=validate.Range(1, 2**31 - 1)), load_default=list)
    note = fields.Text(load_default=None, allow_none=True)


class ApprovalRuleBacktestSchema(Schema):
    """A change of rules to try on what was asked for in the last `days`."""

    entity = fields.Code(load_default=None, allow_none=True)
    add = ma.List(ma.Nested(ApprovalRuleSchema), load_default=list, validate=validate.Length(0, 50))
    retire = ma.List(ma.Integer(strict=True, validate=validate.Range(1, 2**31 - 1)), load_default=list)
    days = ma.Integer(strict=True, load_default=30, validate=validate.Range(min=1, max=DAYS_MAX))


class ApprovalRuleBacktestAnswerSchema(BacktestFoundSchema):
    """How many requests of the last `days` were looked at, and how many would have gone elsewhere; the newest of those."""

    days = ma.Integer(required=True)


class ApprovalRuleAnswerSchema(Schema):
    """What became of a change of rules: `approved` is in force, `pending` waits for the consents in `steps`."""

    id = ma.UUID()
    status = ma.String()
    version = ma.Integer()
    steps = ma.List(ma.Nested(ApprovalStepSchema))


class ApprovalRuleListSchema(Schema):
    """The rules in force, within reach."""

    items = ma.List(ma.Nested(ApprovalRuleSchema))


class NewDelegationSchema(Schema):
    """Let a person approve in one's stead until `ends_at`; without kinds in everything."""

    delegate_id = ma.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    ends_at = fields.Moment(required=True)
    starts_at = fields.Moment(load_default=None, allow_none=True)
    kinds = ma.List(fields.Code(), load_default=list, validate=validate.Length(0, 50))
    note = fields.Text(load_default=None, allow_none=True)


class DelegationSchema(Schema):
    """Who may approve in whose stead, until when."""

    id = ma.Integer()
    user_id = ma.Integer()
    delegate_id = ma.Integer()
    kinds = ma.List(ma.String(), allow_none=True)
    starts_at = fields.Moment()
    ends_at = fields.Moment()
    note = ma.String(allow_none=True)


class DelegationListSchema(Schema):
    """What one has delegated, and was delegated, and has not ended."""

    items = ma.List(ma.Nested(DelegationSchema))
