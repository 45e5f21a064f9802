"""A shop with a shelf and a till, and short ways to tell what happened there."""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from onhand_channels.testing import deliver, event, make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_stock.testing import differences, receive, states_of

sys.path.append(str(Path(__file__).parent / "plugins"))

POST = "channels.post_events"


@dataclass
class Shop:
    """Entity A with one location S1, a till and two items; tea is on the shelf."""

    transact: Any
    entity: Any
    location: Any
    till: Any
    tea: Any
    coffee: Any

    def event(self, noun, lines, **more):
        """An event of the till, at the shop unless another location is named (None: at none)."""
        return event(self.till, noun, lines, **{"location": "S1", **more})

    def tell(self, *events, channel=None):
        """Take events in and return their outcomes."""
        return self.transact(lambda session, now: deliver(session, now, channel or self.till, *events))

    def outcomes(self, *events, channel=None):
        """Take events in and return the words of their outcomes."""
        return [one.outcome for one in self.tell(*events, channel=channel)]

    def states(self, item=None):
        """What is at the shop, by state."""
        wanted = (item or self.tea).id
        return self.transact(lambda session, now: states_of(session, self.entity.id, self.location.id, wanted))

    def differences(self):
        """What the invariants find wrong."""
        return self.transact(differences)


@pytest.fixture
def shop(transact, entities):
    a, _ = entities

    def open_shop(session, now):
        location = make_location(session, now, a.id, code="S1")
        tea, coffee = make_item(session, now, a.id, sku="TEA"), make_item(session, now, a.id, sku="COFFEE")
        till = make_channel(session, now, a.id, location.id, code="till-1")
        receive(session, now, a.id, location.id, {tea.id: 100})
        return Shop(transact, a, location, till, tea, coffee)

    return transact(open_shop)


@pytest.fixture
def program(api, token, shop):
    """A program with the till's token."""
    return api(token(shop.entity, POST, source="till-1"))


@pytest.fixture
def send(program):
    """Post events, one as an object, several as a batch; return the results."""

    def post(*events):
        answer = program.post("/api/v1/events", json=events[0] if len(events) == 1 else list(events))
        assert answer.status_code == 200, answer.text
        return answer.json["results"]

    return post


@pytest.fixture
def kept(superuser):
    """How many events are kept, by outcome and reason."""
    return lambda: Counter(superuser("SELECT outcome, reason FROM channels.event"))


@pytest.fixture
def ready(monkeypatch):
    """Nothing keeps a channel from its next step but the rules of the steps themselves."""
    from onhand_channels.services import lifecycle

    monkeypatch.setattr(lifecycle, "checklist", lambda session, channels, *, now: {one.id: [] for one in channels})


@pytest.fixture
def front(shop):
    """The other side of a channel that is fed: the add-on `shopfront`, which a test must have among its `addons`."""
    from shopfront import plugin

    plugin.reset("till-1")
    yield plugin
    plugin.reset()
