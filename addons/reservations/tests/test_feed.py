"""What the feed tells a channel is what its availability says, and nothing where nothing is held."""

from dataclasses import replace

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_channels.api import FeedKey
from onhand_reservations.feed import units_of
from onhand_reservations.settings import BUFFER
from onhand_reservations.testing import TESTER


@pytest.fixture
def told(shop):
    """What the channel is told of every item at every store, and of what nobody has."""

    def ask(**changed):
        keys = [FeedKey(item.id, place.id) for item in shop.items for place in shop.stores]
        channel = replace(shop.channel, **changed)
        return shop.run(lambda session, now: units_of(session, channel, [*keys, FeedKey(0, 0)], now))

    return ask


def test_it_is_what_may_be_promised(shop, told):
    first, second = shop.stores
    shop.stock(9)
    shop.stock(4, store=second)
    shop.hold(2)
    nothing = [0] * (2 * len(shop.items) - 2 + 1)
    assert told() == [7, 4, *nothing]
    where = Where(item_id=shop.item.id, location_id=first.id)
    shop.run(lambda session, now: set_policy(session, BUFFER, 5, where, by=TESTER, now=now))
    assert told() == [2, 4, *nothing]
    assert told(mode="raise_buffer", buffer_raise=3) == [0, 1, *nothing]
    assert told(location_ids=(second.id,)) == [0, 4, *nothing], "it does not sell from there"


@pytest.mark.parametrize("changed", [{"mode": "stop_holds"}, {"state": "suspended"}, {"state": "approved"}])
def test_where_nothing_is_held_nothing_is_to_be_sold(shop, told, changed):
    shop.stock(9)
    assert not any(told(**changed))
