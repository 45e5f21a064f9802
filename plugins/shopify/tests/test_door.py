"""The webhook door: what is signed is kept once, whatever it says; what is not leaves no trace."""

from datetime import timedelta

import pytest
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_location
from onhand_shopify import services
from onhand_shopify.signing import sign
from onhand_shopify.testing import SECRET, TESTER, connect_shop
from onhand_shopify.values import Connect

T1 = (1, "TEA")


def test_what_is_signed_is_kept_and_told(world, shop, drain, kept, lines, order):
    answer = world.send("orders/create", order({T1: 2}))
    assert (answer.status_code, answer.json) == (200, {"new": True})
    assert kept() == {("orders/create", "waiting", None): 1}
    drain()
    assert kept() == {("orders/create", "taken", None): 1}
    assert lines() == [("1", "1", 2, 0, 0, 0)]


@pytest.mark.parametrize("signature", ["", "nonsense", "é", sign("another", b"{}"), sign(SECRET, b"{ }")])
def test_what_is_not_signed_is_refused_and_leaves_no_trace(world, shop, kept, signature):
    answer = world.send("orders/create", b"{}", signature=signature)
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/shopify-not-signed")
    assert kept() == {}


def test_who_is_not_connected_is_answered_like_a_wrong_signature(world, app, kept, transact, entities):
    strangers = [world.send("orders/create", b"{}", code=code) for code in ("web-1", "nobody")]
    assert {answer.status_code for answer in strangers} == {401}
    assert len({answer.json["detail"] for answer in strangers}) == 1


@pytest.mark.disabled_in_b("shopify")
def test_where_the_addon_is_off_or_the_shop_disconnected_nobody_listens(world, shop, transact, entities, app, kept):
    def connect(session, now):
        place = make_location(session, now, entities[1].id)
        with app.app_context():
            connect_shop(session, now, make_channel(session, now, entities[1].id, place.id, code="web-b"))

    transact(connect)
    assert world.send("a/b", b"{}", code="web-b").status_code == 401
    assert world.send("a/b", b"{}").status_code == 200
    assert transact(lambda session, now: services.disconnect(session, world.channel, by=TESTER))
    assert world.send("a/b", b"{}").status_code == 401


def test_the_former_secret_is_good_for_two_days(world, shop, app, transact, kept):
    def change(session, now, **when):
        wish = Connect("web-1", shop.domain, "2026-10", secret="new", access_token="shpat_test")
        key = app.extensions["onhand_settings"].secret_key
        return services.connect(session, world.channel, wish, site_secret=key, by=TESTER, now=now - timedelta(**when))

    assert transact(change) == []
    assert [world.send("a/b", b"{}", secret=secret).status_code for secret in (SECRET, "new", "other")] == [
        200,
        200,
        401,
    ]
    assert transact(lambda session, now: change(session, now, days=3)) == []
    transact(lambda session, now: change(session, now, days=3))
    assert [world.send("a/b", b"{}", secret=secret).status_code for secret in (SECRET, "new")] == [401, 200]


def test_a_delivery_that_comes_again_counts_once(world, shop, drain, kept, lines, order):
    first, again = (world.send("orders/create", order({T1: 2}), webhook_id="same") for _ in range(2))
    assert (first.json, again.json, again.status_code) == ({"new": True}, {"new": False}, 200)
    world.send("orders/create", order({T1: 2}), webhook_id="of another subscription")
    drain()
    assert kept() == {("orders/create", "taken", None): 2}
    assert lines() == [("1", "1", 2, 0, 0, 0)]


def test_unknown_topics_and_broken_bodies_are_kept_and_shown(world, shop, drain, kept, superuser):
    for topic, body in (("shop/update", b"{}"), ("orders/create", b"\xff{"), ("orders/create", b"[]"), ("O\tx", b"")):
        assert world.send(topic, body).status_code == 200
    drain()
    assert kept() == {
        ("shop/update", "unhandled", None): 1, ("unknown", "unhandled", None): 1, ("orders/create", "parked", "unreadable"): 2,
    }  # fmt: skip
    assert (b"\xff{",) in [(bytes(row[0]),) for row in superuser("SELECT body FROM shopify.delivery")]


def test_secrets_are_kept_sealed_and_never_told(world, shop, api, token, entities, superuser):
    [(secret, access_token)] = superuser("SELECT secret, access_token FROM shopify.shop")
    assert SECRET.encode() not in bytes(secret)
    assert b"shpat_test" not in bytes(access_token)
    program = api(token(entities[0], "shopify.read"))
    for path in ("/api/v1/shopify", "/api/v1/shopify/web-1"):
        assert SECRET not in program.get(path).text
        assert "shpat_test" not in program.get(path).text
