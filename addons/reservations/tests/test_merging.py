"""An item is not merged away while anything of it is in stock, promised or ordered; nothing of it is moved for that."""

import pytest
from onhand.approvals.api import Decision, decide
from onhand_master_data.api import Refused
from onhand_master_data.services import merge_items
from onhand_master_data.services.left_open import still_true
from onhand_master_data.testing import TESTER
from onhand_master_data.values import ItemMerge
from onhand_stock.testing import receive


def test_what_is_still_open_of_an_item_keeps_it_from_being_merged(shop, transact, person):
    loser, survivor = shop.items[:2]

    def merge():
        wish = [ItemMerge(loser.sku, survivor.sku)]
        return transact(lambda s, now: merge_items(s, wish, by=TESTER, now=now))

    shop.stock(3)
    held = shop.firm(1)
    shop.tell("order", {loser.sku: 2}, order="W-1")
    with pytest.raises(Refused) as refused:
        merge()
    told = " ".join(error.message for error in refused.value.errors)
    for part in (f"3 units in the book of {shop.store.code}", "1 units in open holds", "2 units in open orders"):
        assert part in told
    shop.do("fulfil", held)
    shop.tell("cancellation", {loser.sku: 2}, order="W-1")
    shop.tell("sale", {loser.sku: 2})
    [request] = merge().requests
    steward = person("governance").actor

    def agree():
        decision = Decision(request.approval_id, 1, "approve")
        return transact(lambda s, now: decide(s, [decision], by=steward, now=now))[0]

    shop.tell("sale", {loser.sku: 1})
    assert shop.states()["shortage"] == 1, "a fact is posted whatever is asked for"
    assert "1 units in the book" in agree().detail
    shop.stock(1)
    assert agree().status == "approved"
    shop.tell("sale", {loser.sku: 1})
    assert (sum(shop.states().values()), shop.states(survivor)["shortage"]) == (0, 1)

    def left():
        return transact(lambda s, now: still_true(s, shop.entity.id, None, now))

    assert left() == []
    transact(lambda s, now: receive(s, now, shop.entity.id, shop.store.id, {loser.id: 2}))
    [cause] = left()
    assert (cause.item_id, cause.quantity) == (loser.id, 2), "a posting that was under way lands where it was meant"
    assert f"merged into {survivor.sku} and still has 2 units in the book" in cause.title
