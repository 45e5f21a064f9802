"""The marketplace is brought what reservations say may be sold there, by the scheduler's step and a worker's job."""

from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_channels import jobs
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_reservations.testing import TESTER, hold_units
from onhand_stock.testing import receive

TOLD = "SELECT acknowledged_quantity FROM channels.feed_key"


def test_the_marketplace_is_brought_what_may_be_sold(app, transact, entities, drain, superuser) -> None:
    a, b = entities

    def open_market(session, now):
        item = make_item(session, now, a.id)
        place = make_location(session, now, a.id)
        receive(session, now, a.id, place.id, {item.id: 9})
        set_policy(session, "reservations.buffer", 2, Where(item_id=item.id), by=TESTER, now=now)
        return item, make_channel(session, now, a.id, place.id, kind="marketplace")

    def bring():
        with app.app_context():
            jobs.feed_step([a.id, b.id])
        drain()
        return superuser(TOLD)

    item, market = transact(open_market)
    assert bring() == [(7,)]
    transact(lambda session, now: hold_units(session, now, market, {item.sku: 3}))
    assert bring() == [(4,)]
