"""Open promises keep the add-on from being switched off; while it runs out, no new ones are made."""

from dataclasses import replace

import pytest
from onhand.enablement import Change, ChangeRefused, change
from onhand_reservations.plugin import open_obligations
from onhand_reservations.testing import TESTER


def switch(transact, entity, state):
    wish = Change(entity.id, "reservations", state)
    return transact(lambda s, now: change(s, [wish], by=TESTER, now=now) and None, [entity])


def obligations(shop):
    return shop.run(lambda s, _: open_obligations(s, shop.entity.id))


def test_open_holds_are_counted_and_lead_to_their_list(shop, other_shop):
    shop.stock(4)
    other_shop.stock(1)
    other_shop.hold()
    done, _, _ = shop.firm(), shop.firm(), shop.hold()
    shop.do("fulfil", done)
    [found] = obligations(shop)
    assert (found.count, found.href) == (2, "/reservations/?status=open")


def test_the_add_on_is_not_switched_off_while_promises_are_open(shop, transact):
    shop.stock(1)
    held = shop.hold()
    with pytest.raises(ChangeRefused, match="holds still open: let it drain first, or end them, see /reservations/"):
        switch(transact, shop.entity, "disabled")
    shop.do("release", held)
    switch(transact, shop.entity, "disabled")


def test_while_it_runs_out_what_is_open_ends_and_nothing_new_begins(shop, transact, program):
    shop.stock(3)
    held, other = shop.firm(), shop.hold(ttl_seconds=1)
    switch(transact, shop.entity, "draining")
    refused = program.post("/reservations", {"channel": "web-a", "reference": "x", "lines": [
        {"sku": shop.sku, "quantity": 1}]})  # fmt: skip
    assert (refused.status_code, refused.json["reason"]) == (409, "draining")
    assert shop.try_hold({shop.sku: 1}).reason == "draining"
    assert program.post(f"/reservations/{held.id}/fulfil", {}).status_code == 200
    shop.pass_time(seconds=1)
    shop.sweep()
    assert shop.show(other).status == "expired"
    assert shop.extend(other, 60).reason == "draining"
    assert shop.states() == {"available": 2}


def test_a_channel_that_is_not_active_ends_what_is_open_and_begins_nothing_new(shop, superuser):
    shop.stock(2)
    held = shop.firm()
    superuser("UPDATE channels.channel SET state = 'suspended' WHERE id = %s", shop.channel.id)
    shop.channel = replace(shop.channel, state="suspended")
    assert shop.try_hold({shop.sku: 1}).reason == "channel_inactive"
    assert shop.do("fulfil", held).status == "fulfilled"
