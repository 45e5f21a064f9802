"""Items, locations, units and categories as they cross the wire, and what became of a file."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_master_data.units import DIMENSIONS
from onhand_master_data.values import KINDS

__all__ = [
    "BarcodeSchema",
    "CategoryListSchema",
    "CategoryPatchSchema",
    "CategorySchema",
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
    "PageQuerySchema",
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
    """An item. `entities` stock it; `survivor` is the SKU of the one it was merged into."""

    sku = fields.Code(required=True)
    name = fields.Text(required=True, min=1, max=NAME_CHARACTERS_MAX)
    base_unit = fields.Code(load_default="EA")
    category = fields.Code(allow_none=True, load_default=None)
    active = ma.Boolean(dump_only=True)
    survivor = ma.String(dump_only=True, allow_none=True)
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
