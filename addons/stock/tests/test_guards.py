"""Guards: asked about intents before anything is locked, and heard; facts are never asked about."""

from datetime import UTC, datetime

import pytest
from onhand.ids import uuid7
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_stock.api import Accepted, Adjust, Adjusted, Group, NotAdjusted, Refused, adjust
from onhand_stock.settings import STOPPED
from onhand_stock.testing import TESTER


def group(key, *moves, **more):
    return Group(key, moves, f"test:{key}", datetime(2026, 1, 5, tzinfo=UTC), "test", **more)


@pytest.fixture
def stop(transact):
    return lambda where, value=True: transact(
        lambda session, now: set_policy(session, STOPPED, value, where, by=TESTER, now=now)
    )


def test_what_a_guard_objects_to_is_refused_and_the_rest_of_the_list_stands(shop, told, statements):
    shop.receive(5)
    held = [group(key, shop.move("hold_back", 1, "available", "reserved")) for key in ("no-1", "yes", "no-2")]
    sold = group("no-sale", shop.move("sale", 1, "available", "customer"))
    first, second, third, sale = shop.post(*held, sold)
    assert [type(each) for each in (first, second, third, sale)] == [Refused, Accepted, Refused, Accepted]
    assert first.objection == ("yard_closed", "the yard is closed")
    assert told.ASKED == [["no-1", "yes", "no-2"]], "once, and about intents alone"
    assert shop.states() == {"available": 3, "reserved": 1}
    with statements() as seen:
        shop.post(held[0])
    assert not [one for one in seen if "/* post." in one], "nothing is locked for what is refused"


@pytest.mark.disabled_in_b("yard")
def test_a_guard_is_not_asked_where_its_addon_is_off(shop, other_shop, told):
    for here in (shop, other_shop):
        here.receive(1)
        here.post(group("no-1", here.move("hold_back", 1, "available", "reserved")))
    assert (shop.states(), other_shop.states()) == ({"available": 1}, {"reserved": 1})
    assert told.ASKED == [["no-1"]]


def test_what_undoes_an_intent_is_not_asked_about(shop, told):
    shop.receive(1)
    [done] = shop.post(group("yes", shop.move("quarantine", 1, "available", "quarantined")))
    told.ASKED.clear()
    shop.reverse(*[entry for entry in shop.entries() if entry.id == done.entries[0].id])
    assert (told.ASKED, shop.states()) == ([], {"available": 1})


def test_where_people_stopped_an_item_nothing_new_is_promised_until_they_lift_it(shop, other_shop, stop):
    for here in (shop, other_shop):
        here.receive(3)
    shop.receive(3, shop.items[1])
    stop(Where(item_id=shop.item.id, entity_id=shop.entity.id))
    hold = lambda here, item: here.post(  # noqa: E731
        group("yes", here.move("hold_back", 1, "available", "reserved", item=item))
    )[0]
    refused = hold(shop, shop.item)
    assert refused.objection == (
        "stopped", f"{shop.item.sku} is stopped here by the policy {STOPPED}: ask who set it",
    )  # fmt: skip
    assert isinstance(hold(shop, shop.items[1]), Accepted)
    assert isinstance(hold(other_shop, shop.item), Accepted)
    shop.sell(1)
    assert shop.states() == {"available": 2}
    stop(Where(item_id=shop.item.id, entity_id=shop.entity.id), False)
    assert isinstance(hold(shop, shop.item), Accepted)


def test_a_markdown_that_is_objected_to_is_not_done_and_says_why(shop, transact, stop):
    shop.receive(3)
    stop(Where(location_id=shop.location.id, entity_id=shop.entity.id))

    def ask(delta, value):
        one = Adjust(uuid7(), shop.entity.id, shop.item.id, shop.location.id, "available", shop.states()["available"], delta,
                     "price_drop" if value else "shrinkage", value_minor=value, is_trusted=True)  # fmt: skip
        return shop.run(lambda session, now: adjust(session, [one], by=TESTER, now=now, source="test")[0])

    marked = ask(0, -100)
    assert isinstance(marked, NotAdjusted)
    assert (marked.why, "is stopped here" in marked.detail) == ("objection", True)
    assert [entry.kind for entry in shop.entries()] == ["receipt"]
    assert isinstance(ask(-1, None), Adjusted), "a finding is a fact"
    assert shop.states() == {"available": 2}
