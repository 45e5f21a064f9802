"""Facts: what a line names, in which unit, and what it draws from."""

import pytest
from onhand_channels.testing import deliver, event, make_channel
from onhand_master_data.api import Barcode, ItemDraft, Pack, create_items
from onhand_master_data.testing import TESTER, gtin_of, make_item, make_location


@pytest.fixture
def case(shop, transact):
    """An item of which a case holds twelve, each case with a GTIN of its own."""
    draft = ItemDraft(
        "MILK",
        "Milk",
        entities=("A",),
        packs=(Pack("CS", 12),),
        barcodes=(Barcode(gtin_of(1)), Barcode(gtin_of(2), "CS")),
    )
    return transact(lambda session, now: create_items(session, [draft], by=TESTER, now=now))[0]


@pytest.mark.parametrize(
    ("line", "units"),
    [
        ({"sku": "MILK", "quantity": 3}, 3),
        ({"sku": "MILK", "quantity": 3, "unit": "CS"}, 36),
        ({"gtin": gtin_of(1), "quantity": 3}, 3),
        ({"gtin": gtin_of(1).zfill(14), "quantity": 3}, 3),
        ({"gtin": gtin_of(2), "quantity": 3}, 36),
        ({"sku": "MILK", "gtin": gtin_of(1), "quantity": 3}, 3),
        ({"sku": "MILK", "gtin": gtin_of(9), "quantity": 3}, 3),
    ],
)
def test_a_line_is_counted_in_base_units_whatever_names_it(shop, case, line, units):
    assert shop.outcomes(shop.event("receipt", [line])) == ["posted"]
    assert shop.states(case) == {"available": units}


def test_a_sku_and_a_gtin_that_name_two_items_are_parked(shop, case):
    [answer] = shop.tell(shop.event("sale", [{"sku": "TEA", "gtin": gtin_of(1), "quantity": 1}]))
    assert (answer.outcome, answer.problem["type"]) == ("parked", "/problems/item-mismatch")
    assert shop.states() == {"available": 100}


def test_what_the_shelf_does_not_have_is_sold_all_the_same_and_named_a_shortage(shop):
    assert shop.outcomes(shop.event("sale", {"TEA": 120})) == ["posted"]
    assert shop.states() == {"shortage": 20}
    shop.tell(shop.event("receipt", {"TEA": 50}))
    assert shop.states() == {"available": 30}
    assert shop.differences() == []


def test_a_shipment_to_nobodys_promise_takes_from_the_shelf(shop, superuser):
    assert shop.outcomes(shop.event("shipment", {"TEA": 4}, order="o-1")) == ["posted"]
    assert shop.states() == {"available": 96}
    assert superuser("SELECT kind, correlation FROM stock.movement WHERE source_event IS NOT NULL") == [("ship", "o-1")]


def test_an_item_or_a_location_of_another_entity_is_unknown_here(shop, transact, entities):
    _, b = entities
    transact(
        lambda session, now: (make_item(session, now, b.id, sku="THEIRS"), make_location(session, now, b.id, code="B1"))
    )
    assert [one.problem["type"] for one in shop.tell(
        shop.event("sale", {"THEIRS": 1}), shop.event("sale", {"TEA": 1}, location="B1"))] == [
        "/problems/item-not-stocked", "/problems/unknown-location",
    ]  # fmt: skip


def test_a_suspended_channel_keeps_what_it_is_told(shop, transact):
    from onhand_channels.api import Advance, advance, channels_by_code, replay

    def bring(session, now, state):
        advance(session, [Advance("till-1", state, "to see")], by=TESTER, now=now)
        return channels_by_code(session, ["till-1"])[0]

    off = transact(lambda session, now: bring(session, now, "suspended"))
    [answer] = shop.tell(shop.event("sale", {"TEA": 1}), channel=off)
    assert answer.problem["type"] == "/problems/channel-suspended"
    on = transact(lambda session, now: bring(session, now, "live"))
    [again] = transact(lambda session, now: replay(session, on, None, by=TESTER, now=now))
    assert again.outcome == "posted"


def test_channels_of_two_entities_may_tell_the_same_order(shop, transact, entities, superuser):
    _, b = entities
    theirs = transact(lambda session, now: make_channel(session, now, b.id, code="b-web"))
    transact(lambda session, now: make_item(session, now, b.id, sku="B-ITEM"))
    transact(lambda session, now: deliver(session, now, theirs, event(theirs, "order", {"B-ITEM": 1}, order="o-1")))
    shop.tell(shop.event("order", {"TEA": 2}, order="o-1"))
    found = superuser("SELECT entity_id, ordered FROM channels.order_line ORDER BY 1")
    assert found == [(shop.entity.id, 2), (b.id, 1)]
