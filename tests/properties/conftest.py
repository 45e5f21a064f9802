"""A shop for properties: reservations and what they need, items made as they are wanted, a clock that only goes on."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from onhand.testing.distribution import with_requirements
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_items, make_location
from onhand_stock.testing import differences

TESTS = str(Path(__file__).parents[1])
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)


@dataclass
class Shop:
    """A web shop of entity A with two stores. Each call is its own transaction."""

    transact: Callable[..., Any]
    superuser: Callable[..., Any]
    drain: Callable[..., Any]
    entity: Any
    channel: Any
    stores: list[Any]
    later: timedelta = field(default_factory=timedelta)

    def run(self, command: Callable[..., Any]) -> Any:
        return self.transact(lambda s, now: command(s, now + self.later), [self.entity])

    def items(self, how_many: int) -> list[Any]:
        found = self.transact(lambda s, now: make_items(s, now, how_many, self.entity.id), [self.entity])
        return sorted(found, key=lambda item: item.id)

    def differences(self) -> list[Any]:
        return list(self.transact(differences))


@pytest.fixture(scope="session")
def addons() -> list[Any]:
    """Reservations, and what they need."""
    return with_requirements({"reservations"})


@pytest.fixture
def shop(onhand_site: Any, drain: Any, entities: Any) -> Shop:
    """The shop, without items or stock."""
    return _open(onhand_site, drain, entities[0])


@pytest.fixture
def fresh_shop(onhand_site: Any, drain: Any) -> Callable[[], Shop]:
    """`fresh_shop()`: begin anew with an empty database, so that what one example broke is not found by the next."""

    def begin() -> Shop:
        onhand_site.reset()
        entity, _ = onhand_site.found(["A", "B"], disabled={})
        return _open(onhand_site, drain, entity)

    return begin


def _open(site: Any, drain: Any, entity: Any) -> Shop:
    def found(session: Any, now: Any) -> tuple[Any, list[Any]]:
        stores = [make_location(session, now, entity.id, code=code) for code in ("S1", "S2")]
        return make_channel(session, now, entity.id, *[store.id for store in stores], code="web"), stores

    channel, stores = site.transact(found, [entity])
    return Shop(site.transact, site.database.superuser, drain, entity, channel, stores)
