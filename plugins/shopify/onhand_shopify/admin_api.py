"""Talking to a shop: GraphQL over `onhand.outgoing`, and what it means when it goes wrong. Opens no transaction.

Limits: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits. Tokens of apps of the Dev Dashboard:
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec
from onhand import outgoing

from onhand_shopify.graphql import ITEMS, ITEMS_BY_ID, LOCATIONS, gid, number_of
from onhand_shopify.values import ItemRow, LocationRow, ShopRef

__all__ = ["AdminApi", "Trouble", "address_of", "buy_token"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
PAUSE_SECONDS = 2.0
PAUSE_SECONDS_MAX = 3_600.0
PAGES_MAX = 5_000
IDS_MAX = 100


class Trouble(Exception):
    """The shop did not do what it was asked: `reason` is a slug, the message says what to do.

    `pause_seconds` where it will after so long. `is_unheard`: whether it did is not known.
    """

    def __init__(
        self, reason: str, detail: str, *, pause_seconds: float | None = None, is_unheard: bool = False
    ) -> None:
        self.reason, self.detail, self.pause_seconds, self.is_unheard = reason, detail, pause_seconds, is_unheard
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class AdminApi:
    """A shop's Admin API, open to who has its token. `hosts` are ours that may be reached, see `ONHAND_OUTGOING_HOSTS`."""

    domain: str
    version: str
    token: str = field(repr=False)
    hosts: str = ""

    def ask(self, text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data that a query or mutation answers; Trouble otherwise."""
        url = f"{address_of(self.domain)}/admin/api/{self.version}/graphql.json"
        body = msgspec.json.encode({"query": text, "variables": variables})
        document = _posted(
            url, body, {"Content-Type": "application/json", "X-Shopify-Access-Token": self.token}, self.hosts
        )
        errors = document.get("errors")
        if errors:
            raise _graphql_trouble(errors, document)
        data = document.get("data")
        if not isinstance(data, dict):
            raise Trouble(
                "nonsense", "the shop answered without data: look whether the domain is right", is_unheard=True
            )
        return data

    def locations(self) -> list[LocationRow]:
        """Return all of its locations, those no longer in use included."""
        pages = self._pages(LOCATIONS, "locations", {})
        return [
            LocationRow(number_of(one["id"]), str(one["name"]), bool(one["isActive"]))
            for page, _ in pages
            for one in page
        ]

    def items(self, query: str | None = None, after: str | None = None) -> Iterator[tuple[list[ItemRow], str]]:
        """Yield its inventory items that have a SKU, page by page, each with where the next begins: `after` for who goes on.

        All of them, or those that a search finds.
        """
        for page, end in self._pages(ITEMS, "inventoryItems", {"query": query}, after):
            yield [item for one in page if (item := _item(one))], end

    def items_by_id(self, shopify_ids: list[int]) -> list[ItemRow]:
        """Return those of these inventory items that there are and that have a SKU."""
        found = []
        for start in range(0, len(shopify_ids), IDS_MAX):
            ids = [gid("InventoryItem", one) for one in shopify_ids[start : start + IDS_MAX]]
            nodes = self.ask(ITEMS_BY_ID, {"ids": ids})["nodes"]
            found += [item for one in nodes if one and (item := _item(one))]
        return found

    def _pages(
        self, text: str, name: str, variables: Mapping[str, Any], after: str | None = None
    ) -> Iterator[tuple[list[dict[str, Any]], str]]:
        for _ in range(PAGES_MAX):
            page = self.ask(text, {**variables, "after": after})[name]
            after = page["pageInfo"]["endCursor"]
            yield page["nodes"], after or ""
            if not page["pageInfo"]["hasNextPage"]:
                return


def buy_token(shop: ShopRef, hosts: str) -> tuple[str, int]:
    """Return an access token for the client id and secret of a shop's app, and for how many seconds it is good."""
    form = {"grant_type": "client_credentials", "client_id": shop.client_id or "", "client_secret": shop.secrets[0]}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    url = f"{address_of(shop.domain)}/admin/oauth/access_token"
    document = _posted(url, urlencode(form).encode(), headers, hosts)
    token, seconds = document.get("access_token"), document.get("expires_in", 86_399)
    if not isinstance(token, str) or not token.isascii() or not isinstance(seconds, int):
        raise Trouble("access_denied", "the shop gave no access token: look at the app's client id and secret")
    return token, seconds


def address_of(domain: str) -> str:
    """Return a shop's address: https, but for a stand-in on this very host."""
    scheme = "http" if domain.rpartition(":")[0] in LOOPBACK or domain in LOOPBACK else "https"
    return f"{scheme}://{domain}"


def _posted(url: str, body: bytes, headers: Mapping[str, str], hosts: str) -> dict[str, Any]:
    try:
        answered = outgoing.ask(url, body, {"User-Agent": "onhand-shopify", **headers}, hosts=hosts)
    except outgoing.Undelivered as error:
        raise Trouble("unheard", f"{error}: look whether the shop can be reached", is_unheard=True) from None
    status = answered.status
    if status == 429:
        raise Trouble(
            "throttled", "the shop takes no more for now", pause_seconds=_seconds(answered.headers.get("retry-after"))
        )
    if status in (400, 401, 403):
        raise Trouble(
            "access_denied", f"the shop answered {status}: look at its secrets, and at the app's access scopes"
        )
    if status in (402, 404, 423):
        raise Trouble(
            "shop_closed", f"the shop answered {status}: look at its domain, its API version, and whether it is open"
        )
    if status != 200:
        raise Trouble("shop_down", f"the shop answered {status}: it is tried again", is_unheard=True)
    try:
        document = msgspec.json.decode(answered.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Trouble("nonsense", "the shop answered no JSON: look whether the domain is right", is_unheard=True)
    return document


def _graphql_trouble(errors: Any, document: Mapping[str, Any]) -> Trouble:
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = str((first.get("extensions") or {}).get("code") or "")
    said = str(first.get("message") or errors)[:300]
    if code == "THROTTLED" or said == "Throttled":
        return Trouble("throttled", "the shop takes no more for now", pause_seconds=_pause(document))
    if code == "ACCESS_DENIED":
        return Trouble("access_denied", f"{said}: give the app the access scopes that the README names")
    return Trouble("refused", f"the shop refused the question ({code or 'no code'}): {said}")


def _pause(document: Mapping[str, Any]) -> float:
    """Return how long the bucket takes to hold what the question costs."""
    try:
        cost = document["extensions"]["cost"]
        status = cost["throttleStatus"]
        wait = (float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])) / float(status["restoreRate"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return PAUSE_SECONDS
    return min(max(wait, 1.0), PAUSE_SECONDS_MAX)


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or PAUSE_SECONDS), 1.0), PAUSE_SECONDS_MAX)
    except ValueError:
        return PAUSE_SECONDS


def _item(node: Mapping[str, Any]) -> ItemRow | None:
    sku = str(node.get("sku") or "").strip()
    if not sku or "id" not in node:
        return None
    variant = node.get("variant")
    return ItemRow(number_of(node["id"]), number_of(variant["id"]) if variant else None, sku)
