"""What crosses the wire: shape only. What a code, a GTIN or a unit must be is judged by the verbs."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_master_data.authority import DOMAINS
from onhand_master_data.units import DIMENSIONS
from onhand_master_data.values import KINDS

__all__ = [
    "AskedForSchema",
    "AuthorityEndSchema",
    "AuthorityListSchema",
    "AuthorityQuerySchema",
    "AuthoritySchema",
    "CategoryListSchema",
    "CategoryPatchSchema",
    "CategorySchema",
    "ChangeRequestListSchema",
    "ChangeRequestQuerySchema",
    "ChangeRequestSchema",
    "FindingListSchema",
    "FindingQuerySchema",
    "ImportQuerySchema",
    "ImportReportSchema",
    "ItemListSchema",
    "ItemPatchSchema",
    "ItemQuerySchema",
    "ItemSchema",
    "LocationListSchema",
    "LocationPatchSchema",
    "LocationQuerySchema",
    "LocationSchema",
    "RuleListSchema",
    "RuleSchema",
    "ScoreListSchema",
    "UnitListSchema",
    "UnitPatchSchema",
    "UnitSchema",
]  # fmt: skip

NAME_CHARACTERS_MAX = 200
PARTS_MAX = 100


class PageQuerySchema(Schema):
    """Where in a list, and how much of it."""

    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class PackSchema(Schema):
    """One `unit` holds numerator/denominator base units."""

    unit = fields.Code(required=True)
    numerator = fields.Qty(required=True)
    denominator = fields.Qty(load_default=1)


class BarcodeSchema(Schema):
    """A GTIN of 8, 12, 13 or 14 digits, shown as 14; on the base unit, or on the pack that `unit` names."""

    gtin = fields.Code(required=True)
    unit = fields.Code(allow_none=True, load_default=None)


class ItemSchema(Schema):
    """An item. `entities` stock it."""

    sku = fields.Code(required=True)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    base_unit = fields.Code(load_default="EA")
    category = fields.Code(allow_none=True, load_default=None)
    active = ma.Boolean(dump_only=True)
    entities = ma.List(fields.Code(), load_default=list, validate=validate.Length(max=PARTS_MAX))
    packs = ma.List(ma.Nested(PackSchema), load_default=list, validate=validate.Length(max=PARTS_MAX))
    barcodes = ma.List(ma.Nested(BarcodeSchema), load_default=list, validate=validate.Length(max=PARTS_MAX))


class ItemPatchSchema(Schema):
    """What shall change; a list replaces the one before, null empties. The base unit never changes.

    `effective_at` is the day of the change, `note` says why.
    """

    sku = fields.Code()
    name = fields.Text(min=1, max=NAME_CHARACTERS_MAX)
    category = fields.Code(allow_none=True)
    active = ma.Boolean()
    entities = ma.List(fields.Code(), validate=validate.Length(max=PARTS_MAX))
    packs = ma.List(ma.Nested(PackSchema), validate=validate.Length(max=PARTS_MAX))
    barcodes = ma.List(ma.Nested(BarcodeSchema), validate=validate.Length(max=PARTS_MAX))
    effective_at = fields.Moment(load_only=True)
    note = fields.Text(load_only=True, max=500)


class ItemQuerySchema(PageQuerySchema):
    """What a list is narrowed by. `stocked=group` also shows what none of the token's entities stock."""

    q = fields.Text(max=80)
    category = fields.Code()
    active = ma.Boolean()
    stocked = ma.String(load_default="here", validate=validate.OneOf(["here", "group"]))


class ItemListSchema(Schema):
    """A page of items; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(ItemSchema))
    next = ma.String(allow_none=True)


class LocationSchema(Schema):
    """A location. Its code and its entity never change; without a time zone it has its entity's."""

    code = fields.Code(required=True)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    kind = ma.String(load_default="store", validate=validate.OneOf(KINDS))
    gln = fields.Code(allow_none=True, load_default=None)
    entity = fields.Code(required=True)
    time_zone = fields.Code(load_default=None)
    active = ma.Boolean(dump_only=True)


class LocationPatchSchema(Schema):
    """What shall change; null empties."""

    name = fields.Text(min=1, max=NAME_CHARACTERS_MAX)
    kind = ma.String(validate=validate.OneOf(KINDS))
    gln = fields.Code(allow_none=True)
    time_zone = fields.Code()
    active = ma.Boolean()
    effective_at = fields.Moment(load_only=True)
    note = fields.Text(load_only=True, max=500)


class LocationQuerySchema(PageQuerySchema):
    """What a list is narrowed by."""

    q = fields.Text(max=80)
    kind = ma.String(validate=validate.OneOf(KINDS))
    active = ma.Boolean()


class LocationListSchema(Schema):
    """A page of locations; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(LocationSchema))
    next = ma.String(allow_none=True)


class UnitSchema(Schema):
    """A unit of UN/ECE Recommendation 20 or 21; what is added is a package."""

    code = fields.Code(required=True, max=8)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    dimension = ma.String(load_default="package", validate=validate.OneOf(DIMENSIONS))


class UnitPatchSchema(Schema):
    """What a unit shall be called."""

    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    effective_at = fields.Moment(load_only=True)
    note = fields.Text(load_only=True, max=500)


class UnitListSchema(Schema):
    """All units."""

    items = ma.List(ma.Nested(UnitSchema))


class CategorySchema(Schema):
    """A node of the group's category tree; `parent` is the code of the node above."""

    code = fields.Code(required=True)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    parent = fields.Code(allow_none=True, load_default=None)


class CategoryPatchSchema(Schema):
    """What shall change; null makes it a root."""

    name = fields.Text(min=1, max=NAME_CHARACTERS_MAX)
    parent = fields.Code(allow_none=True)


class CategoryListSchema(Schema):
    """All categories."""

    items = ma.List(ma.Nested(CategorySchema))


class ImportQuerySchema(Schema):
    """`dry_run=true` tells what an import would do, and does nothing."""

    dry_run = ma.Boolean(load_default=False)


class RowOutcomeSchema(Schema):
    """What becomes of one row: `created`, `applied`, `unchanged`, or `requested` where it waits for consent."""

    row = ma.Integer()
    name = ma.String()
    outcome = ma.String()


class ImportReportSchema(Schema):
    """What an import did, or would have done."""

    rows = ma.Integer()
    created = ma.Integer()
    updated = ma.Integer()
    requested = ma.Integer()
    outcomes = ma.List(ma.Nested(RowOutcomeSchema))
    dry_run = ma.Boolean()


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


class RuleListSchema(Schema):
    """Settings of rules."""

    items = ma.List(ma.Nested(RuleSchema))
