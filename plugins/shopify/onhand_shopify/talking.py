"""Opening a shop's Admin API from outside of a transaction: its secrets are read in one, its token is bought in none."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from flask import current_app
from onhand.config import Settings
from onhand.transaction import run
from sqlalchemy.orm import Session

from onhand_shopify import services
from onhand_shopify.admin_api import AdminApi, Trouble, buy_token
from onhand_shopify.values import ShopRef

__all__ = ["open_api", "with_api"]

T = TypeVar("T")
EARLIER = timedelta(minutes=5)
"""A token is bought anew so long before it expires."""


def open_api(entity_id: int, code: str) -> tuple[ShopRef, AdminApi] | None:
    """Return the shop of a channel and its Admin API; None where it is connected to none. Trouble where nothing opens it."""
    settings = _settings()

    def load(session: Session, now: datetime) -> tuple[ShopRef | None, datetime]:
        return services.shop_of(session, code, site_secret=settings.secret_key, now=now), now

    shop, now = run(load, entities=[entity_id])
    if shop is None:
        return None
    token = shop.access_token
    is_old = shop.token_until is not None and shop.token_until < now + EARLIER
    if shop.client_id and (token is None or is_old):
        token, seconds = buy_token(shop, settings.outgoing_hosts)
        _keep(shop, token, now + timedelta(seconds=seconds))
    if token is None:
        raise Trouble("access_denied", "the shop has neither a client id nor an access token: enter one")
    return shop, AdminApi(shop.domain, shop.api_version, token, settings.outgoing_hosts)


def with_api(entity_id: int, code: str, use: Callable[[ShopRef, AdminApi], T]) -> T | None:
    """Do something with a shop's Admin API, once more with a new token where Shopify ended the one there was."""
    opened = open_api(entity_id, code)
    if opened is None:
        return None
    try:
        return use(*opened)
    except Trouble as trouble:
        if trouble.reason != "access_denied" or not opened[0].client_id:
            raise
    _keep(opened[0], None, None)
    again = open_api(entity_id, code)
    return None if again is None else use(*again)


def _keep(shop: ShopRef, token: str | None, until: datetime | None) -> None:
    secret = _settings().secret_key
    run(
        lambda session, _: services.keep_token(session, shop.channel_id, token, until, site_secret=secret),
        entities=[shop.entity_id],
    )


def _settings() -> Settings:
    found: Settings = current_app.extensions["onhand_settings"]
    return found
