"""One store of entity A, one of B, and a few items both stock."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from onhand.access.services import RoleAt
from onhand.addons import Addon, discover
from onhand.approvals.api import Decision, decide
from onhand.approvals.models import Approval
from onhand.db import cursor
from onhand_master_data.testing import make_items, make_location
from onhand_stock import testing
from onhand_stock.api import Count, Move, count, history, post, reverse
from onhand_stock.services import Adjust, adjust

sys.path.append(str(Path(__file__).parent / "plugins"))


@pytest.fixture(scope="session")
def addons():
    """Stock with what it needs, and a partner's add-on beside it."""
    ours = [addon for addon in discover() if addon.noun in {"master_data", "stock"}]
    return [*ours, Addon("yard", "onhand-yard", "1", "yard", requires=("stock",))]


@pytest.fixture
def told():
    """The partner's add-on: `SEEN` and `ASKED` are what the ledger told and asked it, `FAULTS` what it shall raise."""
    from yard import plugin

    for kept in (plugin.SEEN, plugin.FAULTS, plugin.RAISED, plugin.ASKED):
        kept.clear()
    yield plugin
    plugin.FAULTS.clear()


@dataclass
class Shop:
    """A location of an entity, with items, and short ways to move them. Each call is its own transaction."""

    transact: Any
    entity: Any
    location: Any
    items: list[Any]

    @property
    def item(self):
        return self.items[0]

    def run(self, command):
        return self.transact(command, [self.entity])

    def receive(self, units, item=None, **more):
        return self._do(testing.receive, units, item, more)

    def sell(self, units, item=None, **more):
        return self._do(testing.sell, units, item, more)

    def take_back(self, units, item=None, **more):
        return self._do(testing.take_back, units, item, more)

    def _do(self, verb, units, item, more):
        what = {(item or self.item).id: units}
        return self.run(lambda session, now: verb(session, now, self.entity.id, self.location.id, what, **more))

    def states(self, item=None):
        item_id = (item or self.item).id
        return self.run(lambda session, _: testing.states_of(session, self.entity.id, self.location.id, item_id))

    def entries(self, item=None, **more):
        item_id = (item or self.item).id
        return self.run(lambda session, _: history(session, [self.entity.id], item_id, **more))

    def count(self, counted, *, at=None, position=None, item=None):
        def command(session, now):
            one = Count(self.entity.id, (item or self.item).id, self.location.id, counted, at or now, position)
            return count(session, [one], by=testing.TESTER, now=now, source="test")[0]

        return self.run(command)

    def reverse(self, *entries, reason="typed wrongly"):
        names = [(entry.recorded_at, entry.id) for entry in entries]
        return self.run(lambda session, now: reverse(session, names, by=testing.TESTER, now=now, reason=reason))

    def move(self, kind, units, source, target, *, item=None, floor=None, limit=None):
        """Return a move within the location, or out of it, or into it; `(source, None)` is outside."""
        here = self.location.id
        outside = {"supplier", "customer", "shrink", "scrap", "found"}
        return Move(
            kind, self.entity.id, (item or self.item).id, units, ((source, limit),), target,
            None if source in outside else here, None if target in outside else here, floor,
        )  # fmt: skip

    def post(self, *groups, by=testing.TESTER):
        return self.run(lambda session, now: post(session, groups, by=by, now=now))


@pytest.fixture
def shop(transact, entities):
    a = entities[0]
    location = transact(lambda session, now: make_location(session, now, a.id, code="S1"), [a])
    items = transact(lambda session, now: make_items(session, now, 12), None)
    return Shop(transact, a, location, sorted(items, key=lambda item: item.id))


@pytest.fixture
def other_shop(transact, entities, shop):
    """The store of entity B, stocking the same items."""
    b = entities[1]
    location = transact(lambda session, now: make_location(session, now, b.id, code="S2"), [b])
    return Shop(transact, b, location, shop.items)


@pytest.fixture
def books_agree(transact):
    """Assert that every invariant holds."""

    def check():
        assert transact(testing.differences) == []

    return check


@pytest.fixture
def clerk(person, shop):
    """Somebody who may ask."""
    return person(RoleAt("clerk", shop.entity.id)).actor


@pytest.fixture
def manager(person, shop):
    """Somebody else, who may agree."""
    return person(RoleAt("store_manager", shop.entity.id)).actor


@pytest.fixture
def ask(shop, clerk):
    """Ask for one change of the shelf of the first item; `seen` None is what is there."""

    def asking(delta, *, seen=None, reason="shrinkage", trusted=True, by=clerk, item=None, state="available", **more):
        there = shop.states(item).get(state, 0) if seen is None else seen
        one = Adjust(
            uuid4(), shop.entity.id, (item or shop.item).id, shop.location.id, state, there, delta, reason,
            is_trusted=trusted, **more,
        )  # fmt: skip
        return shop.run(lambda session, now: adjust(session, [one], by=by, now=now, source="test")[0])

    return asking


@pytest.fixture
def agree(shop, manager):
    """Decide on the approval of a request as it stands."""

    def deciding(answer, *, by=manager, verdict="approve"):
        def command(session, now):
            version = session.get(Approval, answer.approval_id).version
            [done] = decide(session, [Decision(answer.approval_id, version, verdict, "so it is")], by=by, now=now)
            return done

        return shop.run(command)

    return deciding


@pytest.fixture
def status_of(shop):
    """Where a request for an adjustment stands."""
    sql = "SELECT status FROM stock.adjustment WHERE id = %s"
    return lambda answer: shop.run(lambda session, _: cursor(session).execute(sql, (answer.id,)).fetchone()[0])
