"""What every add-on is checked for."""

from onhand.testing import ApiClient
from onhand.testing.contract import AddonContract


class TestContract(AddonContract):
    addon = "master_data"

    def act(self, site, entity):
        """Open a shop."""
        shop = {"code": f"SHOP-{entity.code}", "name": "Shop", "entity": entity.code}
        ApiClient(site.app, site.token(entity, "master_data.edit")).post("/api/v1/locations", json=shop)
