"""Connecting shops: what they are called, which secrets open them, and when they were last talked to."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from onhand import audit
from onhand.actors import Actor
from onhand.db import cursor
from onhand_channels.api import ChannelRef
from sqlalchemy.orm import Session

from onhand_shopify.services.access import sealed
from onhand_shopify.values import Connect, NotConnected

__all__ = ["API_VERSIONS", "connect", "disconnect", "keep_token", "note_published", "note_read"]

FIRST_VERSION = "2026-01"
"""The first with `changeFromQuantity` and `@idempotent`, which publishing needs."""
API_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10", "2027-01", "2027-04")
VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)")
DOMAIN = re.compile(r"[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?")
SECRET_CHARACTERS_MAX = 500
FORMER_FOR = timedelta(days=2)
"""How long the signing secret before this one is still taken: Shopify uses a new one within the hour."""
FAULT_CHARACTERS_MAX = 500
KNOWN = "/* shopify.known */ SELECT domain, secret IS NOT NULL, access_token IS NOT NULL FROM shopify.shop WHERE channel_id = %s FOR NO KEY UPDATE"
TAKEN = "/* shopify.taken */ SELECT FROM shopify.shop WHERE entity_id = %s AND domain = %s AND channel_id <> %s"
CONNECT = """
/* shopify.connect */ INSERT INTO shopify.shop AS s
  (channel_id, entity_id, domain, api_version, client_id, secret, access_token, connected_at, connected_by)
VALUES (%(channel)s, %(entity)s, %(domain)s, %(version)s, %(client)s, %(secret)s, %(token)s, %(now)s, %(by)s)
ON CONFLICT (channel_id) DO UPDATE SET domain = excluded.domain, api_version = excluded.api_version,
  client_id = excluded.client_id, secret = coalesce(excluded.secret, s.secret),
  former_secret = CASE WHEN excluded.secret IS NULL THEN s.former_secret ELSE s.secret END,
  former_until = CASE WHEN excluded.secret IS NULL THEN s.former_until
    WHEN s.secret IS NOT NULL THEN %(now)s + %(former)s END,
  access_token = CASE WHEN excluded.access_token IS NOT NULL THEN excluded.access_token
    WHEN %(renew)s THEN NULL ELSE s.access_token END,
  token_until = CASE WHEN excluded.access_token IS NOT NULL OR %(renew)s THEN NULL ELSE s.token_until END,
  connected_at = excluded.connected_at, connected_by = excluded.connected_by, read_fault = NULL, publish_fault = NULL,
  publish_fault_at = NULL
"""
DISCONNECT = """
/* shopify.disconnect */ UPDATE shopify.shop SET secret = NULL, former_secret = NULL, former_until = NULL,
  access_token = NULL, token_until = NULL WHERE channel_id = %s AND secret IS NOT NULL
"""
RENEW = "/* shopify.token */ UPDATE shopify.shop SET access_token = %s, token_until = %s WHERE channel_id = %s AND secret IS NOT NULL"
READ = """
/* shopify.read */ UPDATE shopify.shop SET read_fault = %(fault)s,
  read_at = CASE WHEN %(fault)s::text IS NULL THEN %(now)s ELSE read_at END WHERE channel_id = %(channel)s
"""
PUBLISHED = """
/* shopify.published */ UPDATE shopify.shop SET
  published_at = CASE WHEN %(taken)s THEN %(now)s ELSE published_at END,
  publish_fault = %(fault)s, publish_fault_at = CASE WHEN %(fault)s::text IS NOT NULL THEN %(now)s::timestamptz END
WHERE channel_id = %(channel)s
"""


def connect(
    session: Session, channel: ChannelRef, wish: Connect, *, site_secret: str, by: Actor, now: datetime
) -> list[NotConnected]:
    """Connect a channel to a shop, or change how; return what is wrong with the wish, and then nothing was changed.

    A new signing secret leaves the one before it good for two days. What is known of the shop's items and locations
    stays. Twice is harmless.
    """
    known = cursor(session).execute(KNOWN, (channel.id,)).fetchone()
    faults = _faults(session, channel, wish, has_secret=known is not None and known[1],
                     has_token=known is not None and known[2] and known[0] == wish.domain)  # fmt: skip
    if faults:
        return faults
    keep = {"secret": wish.secret, "token": wish.access_token}
    opened = {name: sealed(site_secret, channel.id, name, given) if given else None for name, given in keep.items()}
    cursor(session).execute(
        CONNECT,
        {
            "channel": channel.id, "entity": channel.entity_id, "domain": wish.domain, "version": wish.api_version,
            "client": wish.client_id or None, "now": now, "by": by.ref, "former": FORMER_FOR,
            "renew": bool(wish.client_id) or (known is not None and known[0] != wish.domain), **opened,
        },
    )  # fmt: skip
    after = {
        "domain": wish.domain, "api_version": wish.api_version, "client_id": wish.client_id,
        "secrets": sorted(name for name, given in keep.items() if given),
    }  # fmt: skip
    audit.record(session, by=by, action="shopify.connect", subject=f"channel:{channel.code}", after=after,
                 entity_id=channel.entity_id)  # fmt: skip
    return []


def _faults(
    session: Session, channel: ChannelRef, wish: Connect, *, has_secret: bool, has_token: bool
) -> list[NotConnected]:
    found = []
    if not DOMAIN.fullmatch(wish.domain) or len(wish.domain) > 255:
        found.append(NotConnected("domain", "say the shop's own domain, as in tea-shop.myshopify.com"))
    elif cursor(session).execute(TAKEN, (channel.entity_id, wish.domain, channel.id)).fetchone() is not None:
        found.append(NotConnected("domain", "another channel is connected to this shop: its orders would count twice"))
    if not VERSION.fullmatch(wish.api_version) or wish.api_version < FIRST_VERSION:
        found.append(NotConnected("api_version", f"say a version of the Admin API from {FIRST_VERSION} on"))
    for name, given in (("client_id", wish.client_id), ("secret", wish.secret), ("access_token", wish.access_token)):
        if given and (len(given) > SECRET_CHARACTERS_MAX or not given.isascii() or not given.isprintable()):
            found.append(NotConnected(name, f"at most {SECRET_CHARACTERS_MAX} characters of ASCII"))
    if not wish.secret and not has_secret:
        found.append(NotConnected("secret", "enter the secret that its webhooks are signed with"))
    if not (wish.client_id or wish.access_token or has_token):
        found.append(NotConnected("client_id", "enter the app's client id, or an access token of its own"))
    return found


def disconnect(session: Session, channel: ChannelRef, *, by: Actor) -> bool:
    """Forget a shop's secrets: nothing is published to it and no webhook of it is taken. False where it was so already.

    What it told, its locations and its items stay.
    """
    done = cursor(session).execute(DISCONNECT, (channel.id,)).rowcount > 0
    if done:
        audit.record(session, by=by, action="shopify.disconnect", subject=f"channel:{channel.code}",
                     entity_id=channel.entity_id)  # fmt: skip
    return done


def keep_token(
    session: Session, channel_id: int, token: str | None, until: datetime | None, *, site_secret: str
) -> None:
    """Keep an access token until it expires; None forgets the one there is."""
    opened = None if token is None else sealed(site_secret, channel_id, "token", token)
    cursor(session).execute(RENEW, (opened, until, channel_id))


def note_read(session: Session, channel_id: int, fault: str | None, *, now: datetime) -> None:
    """Note that a shop's locations and items were read, or what kept them from being read."""
    told = None if fault is None else fault[:FAULT_CHARACTERS_MAX]
    cursor(session).execute(READ, {"channel": channel_id, "fault": told, "now": now})


def note_published(session: Session, channel_id: int, faults: Sequence[str], taken: int, *, now: datetime) -> None:
    """Note how a batch of numbers was taken: how many were, and the first thing that went wrong with others."""
    told = faults[0][:FAULT_CHARACTERS_MAX] if faults else None
    cursor(session).execute(PUBLISHED, {"channel": channel_id, "taken": taken > 0, "fault": told, "now": now})
