"""The webhook door: `POST /api/v1/shopify/<channel>/webhooks`. Signed bodies are kept as they came; a job looks at them."""

import hashlib
import re
from datetime import datetime

import msgspec
from flask import Blueprint, Response, request
from onhand import problems
from onhand.access import public
from onhand.rest import document
from onhand.sealing import Unopened
from onhand.transaction import context, every_entity, run
from sqlalchemy.orm import Session

from onhand_shopify import jobs, services
from onhand_shopify.signing import is_signed
from onhand_shopify.values import ShopRef
from onhand_shopify.views.asking import settings

__all__ = ["NotSigned", "door"]

door = Blueprint("shopify_api_door", __name__, url_prefix="/api/v1/shopify")
WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,200}")
LEVELS = "inventory_levels/update"
TOPIC = re.compile(r"[a-z0-9_./-]{1,100}")


class NotSigned(problems.Problem):
    """The webhook is not signed with a secret of a shop that is connected here: look at both. Nothing of it was read."""

    type, title, status = "shopify-not-signed", "The webhook is not signed by a shop that is known here", 401


class Kept(msgspec.Struct):
    """Whether a webhook was new."""

    new: bool


@door.post("/<code>/webhooks")
@public
def take_webhook(code: str) -> Response:
    """Keep a webhook that its shop signed, once; what it says is told a moment later.

    The signature is judged over the bytes as they came, before anything of them is read. The answer leaves when the
    webhook is committed, and waits for nothing else. A channel that is not known, one without a shop, and a signature
    that is wrong are answered alike.
    """
    body = request.get_data(cache=False)
    shop = run(lambda session, now: _listening(session, code, now), entities=every_entity())
    if not is_signed(body, request.headers.get("X-Shopify-Hmac-Sha256", ""), () if shop is None else shop.secrets):
        raise NotSigned("sign the body as it is sent with the secret that is entered here")
    assert shop is not None  # noqa: S101 - nobody else's secrets signed it
    topic = request.headers.get("X-Shopify-Topic", "")
    topic = topic if TOPIC.fullmatch(topic) else "unknown"
    webhook_id = request.headers.get("X-Shopify-Webhook-Id", "")
    if not WEBHOOK_ID.fullmatch(webhook_id):
        webhook_id = f"sha256:{hashlib.sha256(topic.encode() + b' ' + body).hexdigest()}"
    is_new = run(lambda session, now: _keep(session, shop, webhook_id, topic, body, now), entities=[shop.entity_id])
    return Response(msgspec.json.encode(Kept(is_new)), content_type="application/json")


def _listening(session: Session, code: str, now: datetime) -> ShopRef | None:
    try:
        shop = services.shop_of(session, code, site_secret=settings().secret_key, now=now)
    except Unopened:
        return None
    return shop if shop is not None and context(session).addons.active(shop.entity_id, "shopify", now) else None


def _keep(session: Session, shop: ShopRef, webhook_id: str, topic: str, body: bytes, now: datetime) -> bool:
    is_new = services.keep(session, shop.channel_id, webhook_id, topic, body, now=now)
    if is_new and topic == LEVELS:
        jobs.have_level_taken(session, shop.entity_id, shop.code, received_at=now, now=now)
    elif is_new:
        jobs.have_taken(session, shop.entity_id, shop.code)
    return is_new


document(
    take_webhook,
    "/api/v1/shopify/{code}/webhooks",
    {
        "post": {
            "summary": "Take in a webhook of a Shopify shop",
            "description": "Signed by Shopify: X-Shopify-Hmac-Sha256 is base64 of HMAC-SHA256 over the body. Kept once per "
            "X-Shopify-Webhook-Id.",
            "tags": ["shopify"],
            "security": [],
            "parameters": [{"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {
                "200": {"description": "Kept", "content": {"application/json": {"schema": Kept}}},
                "401": {"description": "Not signed by a shop that is known here"},
            },
        }
    },
)
