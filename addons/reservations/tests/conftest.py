"""A web shop of entity A that sells from two stores, and short ways to promise their stock."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from onhand.policies.book import Where
from onhand.policies.services import set_policy
from onhand_channels.testing import deliver, event, make_channel
from onhand_master_data.testing import make_items, make_location
from onhand_reservations import services, testing
from onhand_reservations.queries import find_hold
from onhand_reservations.values import Change, Extension, Hold, HoldRequest, LineQuantity
from onhand_stock.testing import differences, receive, states_of

_keys = count(1)


@dataclass
class Shop:
    """A channel with its stores and items. Each call is its own transaction; `later` puts its clock forward."""

    transact: Any
    entity: Any
    channel: Any
    stores: list[Any]
    items: list[Any]
    later: timedelta = field(default_factory=timedelta)

    @property
    def item(self):
        return self.items[0]

    @property
    def sku(self):
        return self.items[0].sku

    @property
    def store(self):
        return self.stores[0]

    def run(self, command):
        return self.transact(lambda session, now: command(session, now + self.later), [self.entity])

    def pass_time(self, **delta):
        self.later += timedelta(**delta)

    def stock(self, units, item=None, store=None):
        place, item = store or self.store, item or self.item
        return self.run(lambda s, now: receive(s, now, self.entity.id, place.id, {item.id: units}))

    def states(self, item=None, store=None):
        place, item = store or self.store, item or self.item
        return self.run(lambda s, _: states_of(s, self.entity.id, place.id, item.id))

    def ask(self, *requests):
        return self.run(lambda s, now: services.hold(s, requests, by=testing.TESTER, now=now))

    def wish(self, lines, **more) -> HoldRequest:
        return testing.wish(self.channel, lines, **more)

    def try_hold(self, lines, **more):
        return self.ask(self.wish(lines, **more))[0]

    def hold(self, units=1, **more) -> Hold:
        lines = units if not isinstance(units, int) else {self.sku: units}
        return self.run(lambda s, now: testing.hold_units(s, now, self.channel, lines, **more))

    def firm(self, units=1, **more) -> Hold:
        held = self.hold(units, **more)
        return self.run(lambda s, now: testing.confirm_hold(s, now, held))

    def do(self, verb, held, lines=None, event=None):
        parts = None if lines is None else tuple(LineQuantity(*line) for line in lines)
        return self.do_all(verb, Change(held.id, parts, event))[0]

    def do_all(self, verb, *changes):
        return self.run(lambda s, now: getattr(services, verb)(s, changes, by=testing.TESTER, now=now))

    def extend(self, held, seconds=None):
        return self.run(
            lambda s, now: services.extend(s, [Extension(held.id, seconds)], by=testing.TESTER, now=now)
        )[0]  # fmt: skip

    def sweep(self):
        return self.run(testing.expire_all)

    def show(self, held) -> Hold:
        return self.run(lambda s, _: find_hold(s, [self.entity.id], held.id))

    def tell(self, noun, lines, *, order=None, store=None, channel=None, **more):
        """Tell an event of the channel and return its outcome."""
        channel = channel or self.channel
        location = None if noun in {"order", "cancellation"} else (store or self.store).code
        one = event(channel, noun, lines, location=location, order=order, **more)
        return self.run(lambda s, now: deliver(s, now, channel, one))[0].outcome

    def set_policy(self, name, value, **places):
        where = Where(**places)
        self.run(
            lambda s, now: set_policy(s, f"reservations.{name}", value, where, by=testing.TESTER, now=now) and None
        )


@pytest.fixture
def shop(transact, entities):
    """Entity A's web shop: two stores, six items, no stock yet."""
    return open_shop(transact, entities[0], "A", transact(lambda s, now: make_items(s, now, 6)))


@pytest.fixture
def other_shop(transact, entities, shop):
    """Entity B's web shop, with the same items."""
    return open_shop(transact, entities[1], "B", shop.items)


def open_shop(transact, entity, name, items):
    def found(session, now):
        stores = [make_location(session, now, entity.id, code=f"{name}{number}") for number in (1, 2)]
        channel = make_channel(session, now, entity.id, *[store.id for store in stores], code=f"web-{name.lower()}")
        return stores, channel

    stores, channel = transact(found, [entity])
    return Shop(transact, entity, channel, stores, sorted(items, key=lambda item: item.id))


@pytest.fixture
def books_agree(transact):
    """Assert that every invariant holds."""

    def check():
        assert transact(differences) == []

    return check


class Program:
    """A client of the API whose requests each carry a key, unless one is given."""

    def __init__(self, api):
        self.api = api

    def get(self, path, **query):
        return self.api.get(f"/api/v1{path}", query_string=query)

    def post(self, path, body=None, *, key=None, data=None):
        headers = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        content = {"data": data, "content_type": "application/json"} if data is not None else {"json": body}
        return self.api.post(f"/api/v1{path}", headers=headers, **content)


@pytest.fixture
def program(api, token, shop):
    """A program that may hold and read for the shop."""
    return Program(api(token(shop.entity, "reservations.hold", "reservations.read")))


@pytest.fixture
def program_of(api, token):
    """Programs with other permissions, entities or sources."""
    return lambda entity, *permissions, **more: Program(api(token(entity, *permissions, **more)))
