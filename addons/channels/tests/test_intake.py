"""Intake: every event once for ever, each answered on its own."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from onhand.actors import Actor
from onhand_channels.api import Delivery, take_in
from onhand_channels.testing import event, make_channel


def test_what_happened_moves_stock_and_says_where_it_came_from(shop, superuser):
    sold = shop.event("sale", {"TEA": 3}, id="s-1")
    assert shop.outcomes(shop.event("receipt", {"TEA": 5}), sold, shop.event("return", {"TEA": 1})) == ["posted"] * 3
    assert shop.states() == {"available": 102, "customer_returned": 1}
    [row] = superuser(
        "SELECT trigger, source, source_event, actor, occurred_at FROM stock.movement WHERE kind = 'sale'"
    )
    assert row == ("event:till-1/s-1", "till-1", "s-1", "system:test", datetime.fromisoformat(sold["time"]))
    assert shop.differences() == []


def test_an_event_has_one_effect_however_often_it_comes(shop):
    sold = shop.event("sale", {"TEA": 3})
    assert shop.outcomes(sold, sold) == ["posted", "duplicate"]
    assert shop.outcomes(sold) == ["duplicate"]
    assert shop.states() == {"available": 97}


def test_white_space_and_the_order_of_members_make_no_other_body(shop):
    sold = shop.event("sale", {"TEA": 3})
    shop.tell(sold)
    turned = msgspec.json.format(msgspec.json.encode(dict(reversed(sold.items()))), indent=4)
    assert shop.outcomes(turned) == ["duplicate"]


@pytest.mark.parametrize("other", [True, 2, "1", None, [1], {}])
def test_what_is_nearly_the_same_is_another_body(shop, other):
    first = shop.event("sale", {"TEA": 1})
    first["data"]["note"] = 1
    again = {**first, "data": {**first["data"], "note": other}}
    assert shop.outcomes(first, again) == ["posted", "conflict"]


def test_another_body_under_the_same_id_is_kept_once_and_moves_nothing(shop, superuser):
    first = shop.event("sale", {"TEA": 3}, id="s-1")
    second = shop.event("sale", {"TEA": 4}, id="s-1", time=first["time"])
    assert shop.outcomes(first, second, first) == ["posted", "conflict", "duplicate"]
    assert shop.outcomes(second, second) == ["conflict", "conflict"]
    assert shop.states() == {"available": 97}
    [(body,)] = superuser("SELECT body FROM channels.event_conflict")
    assert msgspec.json.decode(body) == second


def test_two_bodies_in_one_batch_are_told_from_what_was_kept_before(shop):
    first, second = shop.event("sale", {"TEA": 1}, id="x"), shop.event("sale", {"TEA": 2}, id="x")
    assert shop.outcomes(second) == ["posted"]
    assert shop.outcomes(first, second) == ["conflict", "duplicate"]


def test_the_same_id_on_two_channels_is_two_events(shop, transact, entities):
    other = transact(lambda session, now: make_channel(session, now, entities[0].id, code="till-2"))
    assert shop.outcomes(shop.event("sale", {"TEA": 1}, id="1")) == ["posted"]
    told = event(other, "sale", {"TEA": 1}, id="1", location="S1")
    assert shop.outcomes(told, channel=other) == ["posted"]
    assert shop.states() == {"available": 98}


def test_deliveries_that_share_a_transaction_keep_their_authors_and_channels(shop, transact, entities, superuser):
    a, _ = entities
    other = transact(lambda session, now: make_channel(session, now, a.id, code="till-2"))
    one, two = shop.event("sale", {"TEA": 1}, id="1"), event(other, "sale", {"TEA": 2}, id="1", location="S1")

    def together(session, now):
        raws = [[msgspec.Raw(msgspec.json.encode(each))] for each in (one, two, one)]
        deliveries = [
            Delivery(shop.till, raws[0], Actor("token", 7, "seven")),
            Delivery(other, raws[1], Actor("token", 8, "eight")),
            Delivery(shop.till, raws[2], Actor("token", 9, "nine")),
        ]
        return take_in(session, deliveries, by=Actor.system("door"), now=now)

    assert [[one.outcome for one in answers] for answers in transact(together)] == [
        ["posted"],
        ["posted"],
        ["duplicate"],
    ]
    sales = superuser("SELECT source, actor, quantity FROM stock.movement WHERE kind = 'sale' ORDER BY quantity")
    assert sales == [("till-1", "token:7", 1), ("till-2", "token:8", 2)]


def test_deliveries_of_two_entities_can_share_a_transaction(shop, transact, entities, drain):
    _, b = entities
    theirs = transact(lambda session, now: make_channel(session, now, b.id, code="b-till"))

    def together(session, now):
        raws = [msgspec.Raw(msgspec.json.encode(each)) for each in (
            shop.event("sale", {"NONE": 1}), event(theirs, "sale", {"TEA": 1}, location="S1"))]  # fmt: skip
        return take_in(
            session, [Delivery(shop.till, raws[:1]), Delivery(theirs, raws[1:])], by=Actor.system("door"), now=now
        )

    answers = [one.problem["type"] for [one] in transact(together)]
    assert answers == ["/problems/unknown-item", "/problems/unknown-location"]
    assert drain().parked == 0


def test_the_number_of_statements_does_not_grow_with_the_batch(shop, statements):
    shop.tell(shop.event("receipt", {"TEA": 10_000}))
    counts = []
    for size in (1, 10, 1_000):
        late = datetime.now(UTC) - timedelta(hours=5)
        batch = [
            *(shop.event("sale", {"TEA": 1}) for _ in range(size)),
            *(shop.event("shipment", {"TEA": 1}, order=f"{size}-{n}") for n in range(size)),
            *(shop.event("cancellation", {"TEA": 1}, order=f"{size}-{n}") for n in range(size)),
            *(shop.event("sale", {"NONE": 1}, time=late) for _ in range(size)),
            *(shop.event("sale", {"TEA": 1}, id=f"same-{size}") for _ in range(size + 1)),
        ]
        with statements() as seen:
            shop.tell(*batch)
        counts.append(len(seen))
    assert len(set(counts)) == 1, counts


def test_an_order_moves_nothing_and_is_remembered(shop, superuser):
    assert shop.outcomes(
        shop.event("order", [{"sku": "TEA", "quantity": 5, "line": 1}], order="o-1", location=None)
    ) == ["posted"]
    assert shop.states() == {"available": 100}
    assert superuser("SELECT order_reference, line, ordered, fulfilled FROM channels.order_line") == [
        ("o-1", "1", 5, 0)
    ]
