"""What every add-on is checked for."""

import pytest
from onhand.testing import ApiClient
from onhand.testing.contract import AddonContract
from onhand.testing.distribution import addons_of
from onhand_master_data.testing import make_item, make_location


@pytest.fixture(scope="module")
def addons(request):
    """Stock and what it needs, without the partner's add-on of the other tests."""
    return addons_of(request.path)


class TestContract(AddonContract):
    addon = "stock"
    protocols = frozenset({"stock.verification"})

    def act(self, site, entity):
        """Count what nobody knew to be there."""

        def found(session, now):
            item, shop = make_item(session, now, entity.id), make_location(session, now, entity.id)
            return item.sku, shop.code

        sku, shop = site.transact(found, [entity])
        lines = [{"sku": sku, "counted": 3}]
        body = {"location": shop, "counted_at": "2026-01-05T09:00:00Z", "lines": lines}
        program = ApiClient(site.app, site.token(entity, "stock.adjust"))
        program.post("/api/v1/counts", json=body, headers={"Idempotency-Key": f"count-{entity.code}"})
