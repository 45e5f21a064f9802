"""Pages and REST: connect, map, replay, set aside; who may; what is never shown."""

from itertools import groupby

import pytest
from onhand.testing.people import csrf_token
from onhand_channels.testing import make_channel
from onhand_shopify import jobs

T1 = (1, "TEA")


@pytest.fixture
def form(admin):
    """Send a form as an administrator."""
    return lambda path, **fields: admin.post(path, data={"csrf_token": csrf_token(admin, "/shopify/"), **fields})


def test_a_person_connects_a_shop_maps_its_locations_and_disconnects(
    world, shop, form, admin, drain, transact, superuser
):
    transact(lambda session, now: make_channel(session, now, world.entity.id, world.s1.id, code="web-2") and None)
    wish = {
        "channel": "web-2",
        "domain": "shop.example.org",
        "api_version": "2025-10",
        "secret": "",
        "client_id": "client",
    }
    refused = form("/shopify/-connect", **wish)
    assert refused.status_code == 422
    assert "myshopify.com: its secrets go nowhere else" in refused.text
    assert "not public" in form("/shopify/-connect", **{**wish, "domain": "localhost:1"}).text
    wish["domain"] = "other.myshopify.com"
    refused = form("/shopify/-connect", **wish)
    assert all(told in refused.text for told in ("from 2026-01 on", "enter the secret"))
    wish |= {"domain": shop.domain, "api_version": "2026-10", "secret": "only for tests"}
    assert "its orders would count twice" in form("/shopify/-connect", **wish).text
    superuser("UPDATE shopify.shop SET domain = 'moved.myshopify.com' RETURNING 1")
    assert form("/shopify/-connect", **wish).status_code == 303
    drain()
    page = admin.get("/shopify/web-2").text
    assert all(told in page for told in ("Front street", "Back street", "/api/v1/shopify/web-2/webhooks"))
    assert "only for tests" not in page + admin.get("/shopify/web-2/edit").text
    mapped = {"location-11": world.s2.id, "location-12": world.s2.id}
    assert form("/shopify/web-2/locations", **mapped).status_code == 303
    assert "cannot be one of ours" in admin.get("/shopify/web-2").text
    form("/shopify/web-2/locations", **{**mapped, "location-12": ""})
    ours = superuser(
        "SELECT shopify_id, location_id FROM shopify.shop_location l JOIN channels.channel c ON c.id = l.channel_id WHERE code = 'web-2' ORDER BY 1"
    )
    assert ours == [(11, world.s2.id), (12, None)]
    assert superuser(
        "SELECT count(*) FROM shopify.shop_item i JOIN channels.channel c ON c.id = i.channel_id WHERE code = 'web-2'"
    ) == [(2,)]
    assert form("/shopify/web-2/disconnect").status_code == 303
    assert "Disconnected" in admin.get("/shopify/").text


def test_a_shop_that_cannot_be_read_says_why(world, shop, form, admin, drain):
    shop.tokens.clear()
    form("/shopify/web-1/read")
    drain()
    assert "look at its secrets" in admin.get("/shopify/web-1").text
    assert "Not well" in admin.get("/shopify/").text


def test_a_large_shop_is_read_page_by_page_and_no_thread_waits_while_it_takes_no_questions(
    world, shop, form, drain, superuser
):
    shop.items = {number: f"SKU-{number}" for number in range(1, 10)}
    shop.bucket = shop.bucket_max = 5.0
    shop.restore_rate = 1.0
    form("/shopify/web-1/read")
    drain()
    waiting = "SELECT args->>'after' FROM onhand.job WHERE actor = 'shopify.read_shop' AND due_at > now()"
    pages = []
    while found := superuser(waiting):
        pages += found
        shop.wait(2)
        superuser("UPDATE onhand.job SET due_at = now() WHERE actor = 'shopify.read_shop' RETURNING 1")
        drain()
    assert len({*pages}) > 2, "it went on from page to page"
    assert superuser("SELECT count(*) FROM shopify.shop_item") == [(9,)]
    assert superuser("SELECT read_fault FROM shopify.shop") == [(None,)]
    asked = [given["after"] for text, given in shop.calls if "inventoryItems" in text]
    in_turn = [after for after, _ in groupby(asked)]
    assert len(in_turn) == len({*asked}) == 5, "and came to none twice"


def test_a_shop_that_never_takes_a_question_is_given_up_and_says_so(world, shop, form, drain, superuser):
    shop.bucket = shop.bucket_max = shop.restore_rate = 0.5
    form("/shopify/web-1/read")
    for _ in range(jobs.WAITS_MAX + 1):
        drain()
        superuser("UPDATE onhand.job SET due_at = now() WHERE actor = 'shopify.read_shop' AND attempts = 0 RETURNING 1")
    assert superuser("SELECT read_fault FROM shopify.shop") == [("the shop takes no more for now",)]


def test_the_checklist_asks_for_what_a_shop_needs(world, shop, form, drain, transact, superuser):
    from onhand.policies.book import Where
    from onhand.policies.services import set_policy
    from onhand_channels.api import checklist
    from onhand_shopify.testing import TESTER

    def unmet():
        found = transact(lambda session, now: checklist(session, [world.channel], now=now))[world.channel.id]
        return [one.name for one in found if one.name.startswith("shopify") and not one.is_fulfilled]

    superuser("UPDATE shopify.shop_location SET location_id = NULL WHERE shopify_id = 12 RETURNING 1")
    assert unmet() == ["shopify_read", "shopify_locations", "shopify_orders"]
    form("/shopify/web-1/read")
    drain()
    form("/shopify/web-1/locations", **{"location-11": world.s1.id, "location-12": world.s2.id})
    where = Where(channel_id=world.channel.id)
    transact(lambda s, now: set_policy(s, "channels.feed_in_flight_minutes", 2_880, where, by=TESTER, now=now) and None)
    assert unmet() == []


def test_what_is_parked_is_shown_and_replayed_or_set_aside(world, shop, form, admin, drain, kept, order, superuser):
    world.send("orders/create", order({(1, None): 2}))
    drain()
    [(id_,)] = superuser("SELECT id FROM shopify.delivery")
    for path in ("/shopify/web-1", "/shopify/web-1/deliveries?outcome=parked", f"/shopify/web-1/deliveries/{id_}"):
        assert "Line without a SKU" in admin.get(path).text
    assert "ada@example.org" in admin.get(f"/shopify/web-1/deliveries/{id_}").text
    form("/shopify/web-1/replay", id=id_)
    drain()
    assert kept() == {("orders/create", "parked", "sku_missing"): 1}
    form("/shopify/web-1/set-aside", id=id_)
    form("/shopify/web-1/set-aside", id=id_, reason="a sample")
    assert superuser("SELECT outcome, detail LIKE 'set aside by %: a sample' FROM shopify.delivery") == [
        ("nothing", True)
    ]


def test_programs_do_the_same(world, shop, api, token, drain, kept, order, superuser):
    program = api(token(world.entity, "shopify.read", "shopify.edit"))
    world.send("orders/create", order({(1, None): 2}))
    drain()
    [parked] = program.get("/api/v1/shopify/web-1/deliveries?outcome=parked").json["items"]
    assert parked["reason"] == "sku_missing"
    assert program.post("/api/v1/shopify/web-1/replay", json={"ids": None}).json == {"deliveries": 1}
    drain()
    aside = {"ids": [parked["id"]], "reason": "a sample"}
    assert [program.post("/api/v1/shopify/web-1/set_aside", json=aside).json["deliveries"] for _ in range(2)] == [1, 0]
    wrong = {
        "locations": [
            {"shopify_id": 11, "location": "S2"},
            {"shopify_id": 99, "location": "S1"},
            {"shopify_id": 12, "location": "NO"},
        ]
    }
    refused = program.patch("/api/v1/shopify/web-1/locations", json=wrong)
    assert (refused.status_code, len(refused.json["errors"])) == (422, 3)
    assert (
        program.put("/api/v1/shopify/nobody", json={"domain": "a.myshopify.com", "api_version": "2026-10"}).status_code
        == 404
    )
    assert program.delete("/api/v1/shopify/web-1").status_code == 204
    shown = program.get("/api/v1/shopify/web-1").json
    assert (shown["is_connected"], shown["has_token"], shown["webhooks"][-30:]) == (
        False,
        False,
        "/api/v1/shopify/web-1/webhooks"[-30:],
    )


def test_old_webhooks_are_thrown_away_and_parked_ones_stay(world, shop, app, drain, kept, order, superuser):
    from onhand_shopify import jobs

    world.send("orders/create", order({T1: 2}))
    world.send("orders/create", order({(1, None): 2}))
    drain()
    superuser("UPDATE shopify.delivery SET received_at = received_at - interval '31 days' RETURNING 1")
    with app.app_context():
        jobs.prune_deliveries([world.entity.id])
    assert kept() == {("orders/create", "parked", "sku_missing"): 1}
