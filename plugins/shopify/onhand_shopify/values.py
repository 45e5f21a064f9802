"""Frozen data that crosses this add-on's rooms."""

from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Connect", "ItemRow", "Known", "LocationRow", "NotConnected", "Parked", "ShopRef"]


@dataclass(frozen=True, slots=True)
class Connect:
    """How a channel's shop is to be reached. Secrets that are None stay as they are.

    `client_id` and `secret` of an app of the Dev Dashboard are enough; an app with a token of its own brings
    `access_token`, and as `secret` what its webhooks are signed with.
    """

    channel: str
    domain: str
    api_version: str
    client_id: str | None = None
    secret: str | None = None
    access_token: str | None = None


@dataclass(frozen=True, slots=True)
class NotConnected:
    """What is wrong with which field of a wish; nothing was changed."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class ShopRef:
    """A shop as its jobs and its door know it; secrets opened."""

    channel_id: int
    entity_id: int
    code: str
    domain: str
    api_version: str
    client_id: str | None
    secrets: tuple[str, ...] = field(repr=False)
    access_token: str | None = field(repr=False)
    token_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LocationRow:
    """A location as Shopify lists it."""

    shopify_id: int
    name: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An inventory item as Shopify lists it; those without a SKU are left out."""

    shopify_id: int
    variant_id: int | None
    sku: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a shop's ids mean: our location codes, and SKUs by inventory item and by variant."""

    locations: dict[int, str] = field(default_factory=dict)
    items: dict[int, str] = field(default_factory=dict)
    variants: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a delivery cannot be told now: `reason` is a slug, `code` names what is missing, `detail` says what to do."""

    reason: str
    detail: str
    code: str = ""
