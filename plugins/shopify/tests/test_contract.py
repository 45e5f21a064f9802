"""What every add-on is checked for."""

from onhand.testing import ApiClient
from onhand.testing.contract import AddonContract


class TestContract(AddonContract):
    addon = "shopify"
    public_endpoints = frozenset({"shopify_api_door.take_webhook"})

    def act(self, site, entity):
        """Connect a channel to its shop, and end that before the shop is called."""
        program = ApiClient(site.app, site.token(entity, "channels.edit", "shopify.edit"))
        code = f"web-{entity.code.lower()}"
        channel = {"code": code, "name": "Web", "kind": "ecommerce", "entity": entity.code}
        program.post("/api/v1/channels", json=channel)
        shop = {"domain": f"{code}.myshopify.com", "api_version": "2026-10", "client_id": "1", "secret": "s"}
        program.put(f"/api/v1/shopify/{code}", json=shop)
        program.delete(f"/api/v1/shopify/{code}")
