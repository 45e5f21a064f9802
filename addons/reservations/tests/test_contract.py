"""What every add-on is checked for."""

from onhand.testing import ApiClient
from onhand.testing.contract import AddonContract
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import receive


class TestContract(AddonContract):
    addon = "reservations"

    def act(self, site, entity):
        """Ask for a unit that is there, and for more than there are."""

        def found(session, now):
            item, shop = make_item(session, now, entity.id), make_location(session, now, entity.id)
            channel = make_channel(session, now, entity.id, shop.id)
            receive(session, now, entity.id, shop.id, {item.id: 1})
            return item.sku, channel.code

        sku, channel = site.transact(found, [entity])
        program = ApiClient(site.app, site.token(entity, "reservations.hold"))
        for number, quantity in enumerate((1, 5)):
            body = {"channel": channel, "reference": "c", "lines": [{"sku": sku, "quantity": quantity}]}
            headers = {"Idempotency-Key": f"{entity.code}-{number}"}
            program.post("/api/v1/reservations", json=body, headers=headers)
