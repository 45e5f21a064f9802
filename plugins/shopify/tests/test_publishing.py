"""Numbers brought to a shop: compared and set in one call, each write answered for itself, nothing lost and nothing twice."""

import pytest
from onhand import outgoing
from onhand_shopify import jobs
from onhand_shopify.services import map_locations
from onhand_shopify.testing import TESTER, connect_shop
from onhand_stock.testing import receive

S1, S2 = 11, 12
STATE = "SELECT acknowledged_quantity, stale, attempts, reason, parked_at IS NOT NULL FROM channels.feed_key ORDER BY item_id, location_id"
DUE = "SELECT count(*) FROM channels.feed_key WHERE change_seq > settled_seq"


@pytest.fixture
def delivered(world, transact):
    """Deliver tea to S1."""
    return lambda units: transact(
        lambda session, now: receive(session, now, world.entity.id, world.s1.id, {world.tea.id: units}) and None
    )


def test_all_that_is_due_goes_in_one_call_and_what_is_there_not_again(world, shop, bring, superuser, delivered):
    bring()
    [(key, numbers)] = shop.sets()
    assert sorted(numbers) == [(101, S1, 100, None), (101, S2, 100, None), (102, S1, 50, None), (102, S2, 50, None)]
    assert shop.levels == {(101, S1): 100, (101, S2): 100, (102, S1): 50, (102, S2): 50}
    bring()
    delivered(5)
    bring()
    [_, (another, numbers)] = shop.sets()
    assert numbers == [(101, S1, 105, 100)]
    assert another != key
    assert superuser("SELECT published_at IS NOT NULL, publish_fault FROM shopify.shop") == [(True, None)]


def test_a_stale_number_is_read_and_compared_with_anew_and_harms_no_other(world, shop, bring, transact, delivered):
    bring()
    shop.levels[101, S1] -= 3  # an order that nobody was told of yet
    delivered(10)
    transact(lambda session, now: receive(session, now, world.entity.id, world.s1.id, {world.coffee.id: 1}) and None)
    bring()
    assert shop.levels[101, S1] == 107, "three are sold there already"
    assert shop.levels[102, S1] == 51
    calls = [numbers for _, numbers in shop.sets()[1:]]
    assert sorted(calls[0]) == [(101, S1, 110, 100), (102, S1, 51, 50)]
    assert calls[1:] == [[(102, S1, 51, 50)], [(101, S1, 107, 97)]]
    assert len({key for key, _ in shop.sets()}) == 4, "an attempt that failed needs another key"


def test_an_empty_bucket_lets_the_whole_channel_rest(world, shop, bring, later, superuser):
    shop.bucket, shop.restore_rate = 5.0, 0.1
    bring()
    assert superuser("SELECT paused_until - now() BETWEEN interval '30 s' AND interval '71 s' FROM channels.feed") == [
        (True,)
    ]
    bring()
    assert len(shop.calls) <= 2, "it rests"
    shop.wait(10_000)
    later()
    bring()
    assert shop.levels[101, S1] == 100
    assert superuser("SELECT max(attempts) FROM channels.feed_key") == [(0,)]


def test_429_is_a_pause_too(world, shop, bring, superuser):
    shop.moods = [None, 429]
    bring()
    assert superuser("SELECT paused_until - now() BETWEEN interval '2 s' AND interval '8 s' FROM channels.feed") == [
        (True,)
    ]


@pytest.mark.parametrize("mood", ["drop", "drop_after"])
def test_a_call_that_nobody_heard_the_end_of_is_repeated_under_its_key(world, shop, bring, later, superuser, mood):
    bring()
    del shop.calls[:]
    shop.levels[101, S1] = 100
    superuser("SELECT 1")
    shop.moods = [mood]
    world.transact(lambda session, now: receive(session, now, world.entity.id, world.s1.id, {world.tea.id: 4}) and None)
    bring()
    assert superuser("SELECT DISTINCT reason, attempts FROM channels.feed_key WHERE reason IS NOT NULL") == [
        ("unheard", 1)
    ]
    assert shop.levels[101, S1] == (104 if mood == "drop_after" else 100)
    later()
    bring()
    (first, _), (again, _) = shop.sets()
    assert first == again, "Shopify answers the same key from memory"
    assert shop.levels[101, S1] == 104
    assert superuser(DUE) == [(0,)]


def test_unheard_and_then_another_number_still_ends_in_what_may_be_sold(
    world, shop, bring, later, delivered, superuser
):
    bring()
    shop.moods = ["drop_after"]
    delivered(4)
    bring()
    delivered(1)
    for _ in range(3):
        later()
        bring()
    assert shop.levels[101, S1] == 105
    assert superuser(DUE) == [(0,)]


def test_a_failed_attempt_that_nobody_heard_of_is_made_again_under_another_key(
    world, shop, bring, later, delivered, superuser
):
    bring()
    del shop.calls[:]
    shop.levels[101, S1] -= 3
    shop.moods = ["drop_after"]  # it was stale, and Shopify remembers its key as failed
    delivered(4)
    bring()
    later()
    bring()
    keys = [key for key, _ in shop.sets()]
    assert keys[0] == keys[1] != keys[2]
    assert (shop.levels[101, S1], superuser(DUE)) == (101, [(0,)])


def test_no_answer_in_time_is_unheard(world, shop, bring, monkeypatch, superuser):
    monkeypatch.setattr(outgoing, "deliver", None)
    monkeypatch.setattr(
        outgoing, "ask", lambda *_, **__: (_ for _ in ()).throw(outgoing.Undelivered("no answer within 10 s"))
    )
    bring()
    assert superuser("SELECT DISTINCT reason, parked_at IS NULL FROM channels.feed_key") == [("unheard", True)]


def test_what_the_shop_does_not_have_is_parked_with_what_to_do(world, shop, bring, superuser):
    del shop.items[102], shop.levels[101, S2]
    bring()
    assert shop.levels[101, S1] == 100
    rows = superuser(
        "SELECT DISTINCT reason, detail, parked_at IS NOT NULL FROM channels.feed_key WHERE reason IS NOT NULL ORDER BY 1"
    )
    assert [(reason, parked) for reason, _, parked in rows] == [("not_stocked", True), ("unknown_item", True)]
    assert "COFFEE" in rows[1][1]


def test_an_item_that_was_made_anew_is_found_by_its_sku(world, shop, bring, later, delivered, superuser):
    bring()
    shop.items = {201: "TEA", 102: "COFFEE"}
    shop.levels = {(item, place): 100 for item in shop.items for place in shop.locations}
    delivered(1)
    for _ in range(3):
        bring()
        later()
    assert shop.levels[201, S1] == 101
    assert superuser("SELECT shopify_id FROM shopify.shop_item WHERE sku = 'TEA'") == [(201,)]


def test_a_sku_that_is_there_twice_and_a_location_that_is_none_of_ours_are_told(
    world, shop, bring, app, transact, superuser
):
    shop.items[103] = "TEA"
    superuser("UPDATE shopify.shop_location SET location_id = NULL WHERE shopify_id = 12 RETURNING 1")
    bring()
    rows = superuser(
        "SELECT DISTINCT reason, parked_at IS NOT NULL FROM channels.feed_key WHERE reason IS NOT NULL ORDER BY 1"
    )
    assert rows == [("sku_twice", True), ("unknown_location", True)]
    assert shop.levels[102, S1] == 50
    # What was missing is there: nobody has to have the numbers sent again.
    del shop.items[103]
    places = {11: world.s1.id, 12: world.s2.id}
    transact(lambda session, now: map_locations(session, world.channel, places, by=TESTER, now=now))
    with app.app_context():
        jobs.read_shop([world.entity.id], "web-1")
    bring()
    assert (shop.levels[101, S1], shop.levels[102, S2]) == (100, 50)


def test_a_token_is_bought_kept_and_bought_anew_when_it_is_refused(
    world, shop, bring, app, transact, delivered, superuser
):
    shop.client, places = ("client", "only for tests"), {11: world.s1.id, 12: world.s2.id}
    with app.app_context():
        transact(
            lambda s, now: (
                connect_shop(s, now, world.channel, shop.domain, client_id="client", locations=places) and None
            )
        )
    bring()
    delivered(1)
    bring()
    assert (shop.bought, shop.levels[101, S1]) == (1, 101)
    shop.tokens.clear()
    delivered(1)
    bring()
    assert (shop.bought, shop.levels[101, S1]) == (2, 102)
    shop.client = ("client", "another")
    shop.tokens.clear()
    delivered(1)
    bring()
    [(fault,)] = superuser("SELECT publish_fault FROM shopify.shop")
    assert "look at its secrets" in fault or "client id and secret" in fault


def test_an_address_inside_is_not_called(world, shop, bring, app, superuser):
    from dataclasses import replace

    app.extensions["onhand_settings"] = replace(app.extensions["onhand_settings"], outgoing_hosts="")
    bring()
    [(reason, detail)] = superuser("SELECT DISTINCT reason, detail FROM channels.feed_key")
    assert (reason, "not public" in detail) == ("unheard", True)
    assert shop.calls == []


def test_its_own_number_that_is_off_the_one_it_acknowledged_is_a_gap(world, shop, at_once, bring, drain, transact):
    from datetime import UTC, datetime, timedelta

    from onhand_channels.api import standing_gaps

    bring()
    look = lambda: [gap.title for gap in transact(lambda s, now: standing_gaps(s, world.entity.id, now=now))]  # noqa: E731
    at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    level = {"inventory_item_id": 101, "location_id": S1, "available": 97, "updated_at": at}
    world.send("inventory_levels/update", level)
    drain()
    assert look() == ["web-1 has 97 of TEA at S1, the last number that it acknowledged was 100"]
    later = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    world.send("inventory_levels/update", {**level, "available": 100, "updated_at": later})
    drain()
    assert look() == []
