"""What crosses the wire: shape only. Secrets go in and never come out."""

from marshmallow import Schema, validate
from marshmallow import fields as ma
from onhand.rest import LIMIT_DEFAULT, LIMIT_MAX, fields

from onhand_shopify.models import OUTCOMES

__all__ = [
    "ConnectShopSchema",
    "DeliveriesDoneSchema",
    "MapLocationsSchema",
    "ReplayDeliveriesSchema",
    "SetAsideDeliveriesSchema",
    "ShopDeliveryListSchema",
    "ShopDeliveryQuerySchema",
    "ShopListSchema",
    "ShopLocationListSchema",
    "ShopSchema",
]  # fmt: skip

SECRET = validate.Length(min=1, max=500)
IDS_MAX = 1_000
NUMBER_MAX = 2**63 - 1


class ConnectShopSchema(Schema):
    """How a channel's shop is to be reached. A secret that is left out stays as it is."""

    domain = fields.Text(required=True, min=1, max=255)
    api_version = fields.Text(required=True, min=1, max=10)
    client_id = fields.Text(load_default=None, allow_none=True, max=255)
    secret = ma.String(load_default=None, allow_none=True, load_only=True, validate=SECRET)
    access_token = ma.String(load_default=None, allow_none=True, load_only=True, validate=SECRET)


class ShopSchema(Schema):
    """A shop and how it is. `webhooks` is the address its webhooks go to."""

    channel = ma.String()
    entity = ma.String()
    domain = ma.String()
    api_version = ma.String()
    client_id = ma.String(allow_none=True)
    is_connected = ma.Boolean()
    has_token = ma.Boolean()
    former_until = fields.Moment(allow_none=True)
    connected_at = fields.Moment()
    read_at = fields.Moment(allow_none=True)
    read_fault = ma.String(allow_none=True)
    published_at = fields.Moment(allow_none=True)
    publish_fault = ma.String(allow_none=True)
    publish_fault_at = fields.Moment(allow_none=True)
    last_webhook_at = fields.Moment(allow_none=True)
    parked = ma.Integer()
    waiting = ma.Integer()
    unmapped = ma.Integer()
    items = ma.Integer()
    webhooks = ma.String()


class ShopListSchema(Schema):
    """Every shop within reach; `next` is always null."""

    items = ma.List(ma.Nested(ShopSchema))
    next = ma.String(allow_none=True)


class _ShopLocationSchema(Schema):
    """A location of a shop: `location` is the code of ours that it is."""

    shopify_id = ma.Integer()
    name = ma.String()
    is_active = ma.Boolean()
    location = ma.String(allow_none=True)


class ShopLocationListSchema(Schema):
    """A shop's locations; `next` is always null."""

    items = ma.List(ma.Nested(_ShopLocationSchema))
    next = ma.String(allow_none=True)


class _MappedLocationSchema(Schema):
    """Which of our locations one of a shop's is; null for none."""

    shopify_id = ma.Integer(required=True, strict=True, validate=validate.Range(1, NUMBER_MAX))
    location = fields.Code(required=True, allow_none=True)


class MapLocationsSchema(Schema):
    """Locations to be mapped anew; those left out stay as they are."""

    locations = ma.List(ma.Nested(_MappedLocationSchema), required=True, validate=validate.Length(1, IDS_MAX))


class ShopDeliveryQuerySchema(Schema):
    """Which webhooks, and how many at once."""

    outcome = ma.String(validate=validate.OneOf(OUTCOMES), load_default="")
    cursor = ma.String()
    limit = ma.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class _ShopDeliverySchema(Schema):
    """A webhook and what became of it."""

    id = ma.UUID()
    webhook_id = ma.String()
    topic = ma.String()
    received_at = fields.Moment()
    outcome = ma.String()
    reason = ma.String(allow_none=True)
    code = ma.String(allow_none=True)
    detail = ma.String(allow_none=True)
    settled_at = fields.Moment(allow_none=True)


class ShopDeliveryListSchema(Schema):
    """A page of webhooks, newest first; `next` is the cursor of those that follow."""

    items = ma.List(ma.Nested(_ShopDeliverySchema))
    next = ma.String(allow_none=True)


class ReplayDeliveriesSchema(Schema):
    """Which parked webhooks to look at again; null for all."""

    ids = ma.List(ma.UUID(), required=True, allow_none=True, validate=validate.Length(1, IDS_MAX))


class SetAsideDeliveriesSchema(Schema):
    """Which parked webhooks to be done with, and why."""

    ids = ma.List(ma.UUID(), required=True, validate=validate.Length(1, IDS_MAX))
    reason = fields.Text(required=True, min=1, max=300)


class DeliveriesDoneSchema(Schema):
    """How many it were."""

    deliveries = ma.Integer()
