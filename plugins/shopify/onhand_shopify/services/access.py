"""Opening a shop's secrets, for who talks to it and for who listens."""

from datetime import datetime

from onhand.db import cursor
from onhand.sealing import seal, unseal
from sqlalchemy.orm import Session

from onhand_shopify.values import ShopRef

__all__ = ["sealed", "shop_of"]

SHOP = """
/* shopify.shop */ SELECT s.channel_id, s.entity_id, c.code, s.domain, s.api_version, s.client_id, s.secret,
  CASE WHEN s.former_until > %s THEN s.former_secret END, s.access_token, s.token_until
FROM shopify.shop s JOIN channels.channel c ON c.id = s.channel_id WHERE c.code = %s AND s.secret IS NOT NULL
"""


def shop_of(session: Session, code: str, *, site_secret: str, now: datetime) -> ShopRef | None:
    """Return the shop that a channel is connected to, its secrets opened; None where there is none in scope.

    Unopened where SECRET_KEY was changed since they were entered.
    """
    row = cursor(session).execute(SHOP, (now, code)).fetchone()
    if row is None:
        return None
    channel_id, entity_id, code, domain, version, client_id, secret, former, token, token_until = row
    secrets = [unseal(site_secret, place(channel_id, "secret"), bytes(one)) for one in (secret, former) if one]
    opened = None if token is None else unseal(site_secret, place(channel_id, "token"), bytes(token))
    return ShopRef(channel_id, entity_id, code, domain, version, client_id, tuple(secrets), opened, token_until)


def sealed(site_secret: str, channel_id: int, what: str, secret: str) -> bytes:
    """Return a secret of a shop as it is kept."""
    return seal(site_secret, place(channel_id, what), secret)


def place(channel_id: int, what: str) -> str:
    """Return where a secret belongs; a secret that replaced another opens at the same place."""
    return f"shopify.shop:{channel_id}:{what}"
