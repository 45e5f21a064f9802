"""What every add-on is checked for."""

from onhand.testing.contract import AddonContract
from onhand_channels.testing import event


class TestContract(AddonContract):
    addon = "channels"

    def act(self, site, entity):
        """Keep a channel, tell of an order, and bring in a file."""
        secret = site.token(entity, "channels.edit", "channels.post_events")
        code = f"till-{entity.code.lower()}"
        headers = {"Authorization": f"Bearer {secret}"}
        client = site.app.test_client()
        channel = {"code": code, "name": "Till", "kind": "pos", "entity": entity.code}
        client.post("/api/v1/channels", json=channel, headers=headers)
        told = event(code, "order", {"NONE": 1}, order="o-1")
        client.post("/api/v1/events", json=told, headers=headers)
