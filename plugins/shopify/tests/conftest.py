"""A web shop with two locations, connected to a Shopify shop on this host; what Shopify sends, and what became of it."""

import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from onhand.addons import Addon
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand.testing.distribution import with_requirements
from onhand_channels import jobs as channel_jobs
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_shopify import settings as rules
from onhand_shopify.signing import sign
from onhand_shopify.testing import SECRET, TESTER, connect_shop
from onhand_stock.testing import receive, states_of

sys.path.append(str(Path(__file__).parent / "plugins"))

TIME = "2026-01-05T08:00:00-05:00"
ordinals = count(1)


@pytest.fixture(scope="module")
def addons():
    return [*with_requirements({"shopify"}), Addon("shopify_shelf", "onhand-shopify-shelf", "1", "shopify_shelf")]


@dataclass
class World:
    """Entity A: tea and coffee at S1 and S2, sold by web-1. At Shopify they are 101 and 102 at 11 and 12."""

    transact: Any
    client: Any
    entity: Any
    channel: Any
    s1: Any
    s2: Any
    tea: Any
    coffee: Any

    def send(self, topic, payload, *, webhook_id=None, secret=SECRET, signature=None, code="web-1"):
        """Send a webhook as Shopify does; each is another one unless it is given an id."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = {
            "X-Shopify-Hmac-Sha256": sign(secret, body) if signature is None else signature,
            "X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": webhook_id or f"wh-{next(ordinals)}",
            "X-Shopify-Shop-Domain": "tea.myshopify.com", "Content-Type": "application/json",
        }  # fmt: skip
        return self.client.post(f"/api/v1/shopify/{code}/webhooks", data=body, headers=headers)

    def states(self, item=None, location=None):
        """What is at a location, by state."""
        at, what = (location or self.s1).id, (item or self.tea).id
        return self.transact(lambda session, now: states_of(session, self.entity.id, at, what))


@pytest.fixture
def world(transact, entities, app):
    def make(session, now):
        a = entities[0]
        s1, s2 = (make_location(session, now, a.id, code=code) for code in ("S1", "S2"))
        tea, coffee = (make_item(session, now, a.id, sku=sku) for sku in ("TEA", "COFFEE"))
        web = make_channel(session, now, a.id, s1.id, s2.id, code="web-1", kind="ecommerce")
        for place in (s1, s2):
            receive(session, now, a.id, place.id, {tea.id: 100, coffee.id: 50})
        return World(transact, app.test_client(), a, web, s1, s2, tea, coffee)

    return transact(make)


@pytest.fixture
def shop(world, app, transact):
    """The Shopify shop on this host, connected."""
    import shopify_standin

    there, close = shopify_standin.open_shop()
    there.items = {101: "TEA", 102: "COFFEE"}
    there.locations = {11: "Front street", 12: "Back street"}
    there.levels = {(item, place): 0 for item in there.items for place in there.locations}
    settings = app.extensions["onhand_settings"]
    app.extensions["onhand_settings"] = replace(settings, outgoing_hosts="127.0.0.1")
    places = {11: world.s1.id, 12: world.s2.id}
    with app.app_context():
        transact(
            lambda session, now: connect_shop(session, now, world.channel, there.domain, locations=places) and None
        )
    yield there
    app.extensions["onhand_settings"] = settings
    close()


@pytest.fixture
def bring(app, entities, drain):
    """Have the feed bring what is due."""

    def step():
        with app.app_context():
            channel_jobs.feed_step([entities[0].id])
        return drain()

    return step


@pytest.fixture
def at_once(world, transact):
    """Compare the shop's own numbers as they come."""
    where = Where(entity_id=world.entity.id)
    transact(lambda session, now: set_policy(session, rules.LEVELS_WAIT, 0, where, by=TESTER, now=now) and None)


@pytest.fixture
def later(superuser):
    """Put an end to the feed's pauses."""

    def wait():
        superuser("UPDATE channels.feed_key SET not_before = NULL RETURNING 1")
        superuser("UPDATE channels.feed SET paused_until = NULL, tokens = 10 RETURNING 1")

    return wait


@pytest.fixture
def kept(superuser):
    """What became of webhooks: how many by topic, outcome and reason."""
    return lambda: Counter(superuser("SELECT topic, outcome, reason FROM shopify.delivery"))


@pytest.fixture
def lines(superuser):
    """What is known of order lines: per line what was ordered, cancelled, fulfilled and returned."""
    sql = "SELECT order_reference, line, ordered, cancelled, fulfilled, returned FROM channels.order_line ORDER BY 1, 2"
    return lambda: superuser(sql)


@pytest.fixture
def parcel():
    """Make a fulfilment of order 1: lines are quantities by (line, SKU)."""

    def make(number, lines, location=11, status="success", **more):
        return {"id": number, "order_id": 1, "status": status, "created_at": TIME, "location_id": location,
                "line_items": [line(*key, quantity) for key, quantity in lines.items()], **more}  # fmt: skip

    return make


@pytest.fixture
def refund():
    """Make a refund of order 1: lines are (quantity, restock type, location) by (line, SKU)."""

    def make(number, lines):
        told = [
            {"id": number * 10 + n, "line_item_id": key[0], "quantity": quantity, "restock_type": kind, "location_id": place,
             "line_item": line(*key, 9)}
            for n, (key, (quantity, kind, place)) in enumerate(lines.items())
        ]  # fmt: skip
        return {"id": number, "order_id": 1, "created_at": TIME, "refund_line_items": told}

    return make


@pytest.fixture
def order():
    """Make an order with id 1: lines are quantities by (line, SKU)."""

    def make(lines, **more):
        return {"id": 1, "name": "#1001", "created_at": TIME, "line_items": [line(*key, quantity) for key, quantity in lines.items()],
                "customer": {"email": "ada@example.org"}, **more}  # fmt: skip

    return make


def line(number, sku, quantity, **more):
    return {"id": number, "variant_id": number + 1_000, "sku": sku, "quantity": quantity, "title": "A thing", **more}
