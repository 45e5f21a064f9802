"""Sites that hostile add-ons are installed on, and another add-on's work on them."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from onhand import running
from onhand.addons import Addons, Installed, faults
from onhand.addons.graph import sort_out
from onhand.addons.registry import load
from onhand.app import start
from onhand.db import db
from onhand.migrate import AddonsNotMigrated, upgrade
from onhand.testing import ApiClient, Entity
from onhand.testing.distribution import with_requirements
from onhand.testing.site import Site, Sites
from onhand_channels.api import ChannelRef
from onhand_channels.testing import make_channel
from onhand_master_data.api import Location
from onhand_master_data.testing import make_item, make_location
from onhand_reservations.testing import hold_units
from onhand_stock.testing import receive, states_of
from werkzeug.test import TestResponse

from hostile.at_the_start import HANGING, LATE, NOT_MIGRATED, STARTING
from hostile.at_work import BESIDE, FIGURES_BADLY, IN_A_HOLD, ON_A_PAGE, TAKING
from hostile.packages import Hostile, write

NUMBERS = count(1)
OURS = {"reservations", "exceptions"}


@dataclass
class Stage:
    """A site with hostile add-ons on it, and a shop that sells there."""

    site: Site
    entity: Entity
    hold: Callable[[], str]

    @property
    def app(self) -> Flask:
        """Return the application."""
        return self.site.app

    def set_up(self) -> None:
        """Make a shop; its `hold` promises one unit, and says how that ended."""
        entity_id = self.entity.id

        def shop(session, now):
            item = make_item(session, now)
            store = make_location(session, now, entity_id)
            channel = make_channel(session, now, entity_id, store.id)
            receive(session, now, entity_id, store.id, {item.id: 1_000})
            return channel, item.sku

        channel, sku = self.site.transact(shop, [self.entity])
        self.hold = lambda: self.site.transact(
            lambda session, now: hold_units(session, now, channel, {sku: 1}).status, [self.entity]
        )


def own_site(sites: Sites, addons, database, app: Flask, settings) -> Site:
    """Return a site over an application that was put together here."""
    return Site(tuple(addons), database, settings, app, redis.Redis.from_url(settings.redis_url))


@pytest.fixture(scope="module")
def broken(onhand_sites: Sites, tmp_path_factory) -> Iterator[Stage]:
    """One site on which every add-on is installed that cannot be started, beside our own."""
    ours = with_requirements(OURS)
    folder: Path = tmp_path_factory.mktemp("hostile")
    with onhand_sites.databases.passing(ours) as database, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        there = [write(folder, hostile) for hostile in (HANGING, *STARTING, *NOT_MIGRATED, LATE)]
        late = LATE.addon
        with pytest.raises(AddonsNotMigrated):
            upgrade(database.owner_url, [*ours, *(hostile.addon for hostile in NOT_MIGRATED)])
        settings = replace(
            onhand_sites.site(ours).settings, database_url=database.url, owner_database_url=database.owner_url
        )
        with patch.context() as hurried:
            hurried.setattr(faults, "START_SECONDS_MAX", 0.3)
            found = load(Installed((there[0],))).faults
        app = start(settings, sort_out([*ours, *there[1:]], found))
        with app.app_context():
            running.hold_unready(app)
        site = own_site(onhand_sites, ours, database, app, settings)
        [entity] = site.found(["A"], disabled={})
        stage = Stage(site, entity, lambda: "")
        stage.set_up()
        assert late.noun in app.extensions["onhand"].held
        yield stage
        site.close()
        for name in [name for name in sys.modules if (folder / name.partition(".")[0]).exists()]:
            del sys.modules[name]
    with app.app_context():
        db.engine.dispose()


@dataclass
class Shop:
    """A shop of one entity, and a program that sells there."""

    site: Site
    entity: Entity
    channel: ChannelRef
    store: Location
    item_id: int
    sku: str
    program: ApiClient

    def ask(self) -> TestResponse:
        """Ask to hold one unit."""
        body, headers = self.wish()
        return self.program.post("/api/v1/reservations", data=body, headers=headers)

    def wish(self) -> tuple[bytes, dict[str, str]]:
        """Return the body and headers that ask for it."""
        lines = [{"sku": self.sku, "quantity": 1}]
        wish = {"channel": self.channel.code, "reference": f"R-{next(NUMBERS)}", "lines": lines}
        return json.dumps(wish).encode(), {
            "Idempotency-Key": f"key-{next(NUMBERS)}",
            "Content-Type": "application/json",
        }

    def tell(self, told: dict[str, Any]) -> str:
        """Tell an event; return what became of it."""
        answer = self.program.post("/api/v1/events", json=told)
        outcome: str = answer.json["results"][0]["outcome"]
        return outcome

    def units(self) -> dict[str, int]:
        """Return what the book has of the item."""
        look = lambda session, _: states_of(session, self.entity.id, self.store.id, self.item_id)  # noqa: E731
        return self.site.transact(look, [self.entity])


@dataclass
class Harm:
    """A site with add-ons that do harm once they are switched on, and a shop of A and one of B."""

    site: Site
    shops: list[Shop]

    @contextmanager
    def enabled(self, hostile: Hostile, shop: Shop) -> Iterator[None]:
        """Have a hostile add-on switched on for a shop's entity while the block lasts."""
        switch = (
            "INSERT INTO onhand.enablement (entity_id, addon, state, effective_from, recorded_at, actor)"
            " VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp(), 'system:test')"
        )
        self.site.database.superuser(switch, shop.entity.id, hostile.noun, "enabled")
        self.addons.boundary.spent.clear()
        try:
            yield
        finally:
            self.site.database.superuser(switch, shop.entity.id, hostile.noun, "disabled")

    @property
    def addons(self) -> Addons:
        """Return the add-ons of the application."""
        found: Addons = self.site.app.extensions["onhand"]
        return found

    def last_failure(self, hostile: Hostile) -> str:
        """Return how a hook of an add-on failed last."""
        told = [str(one.failure) for one in self.addons.boundary.spent if one.noun == hostile.noun and one.failure]
        return told[-1] if told else ""


@pytest.fixture(scope="module")
def harmful(onhand_sites: Sites, tmp_path_factory) -> Iterator[Harm]:
    """One site on which every add-on is installed that does harm at work, beside our own."""
    ours = with_requirements(OURS)
    folder: Path = tmp_path_factory.mktemp("harmful")
    with onhand_sites.databases.passing(ours) as database, pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        hostile = [write(folder, one) for one in (*IN_A_HOLD, *ON_A_PAGE, *BESIDE, *TAKING, FIGURES_BADLY)]
        settings = replace(
            onhand_sites.site(ours).settings, database_url=database.url, owner_database_url=database.owner_url,
            statement_timeout_ms=400,
        )  # fmt: skip
        app = start(settings, sort_out([*ours, *hostile]))
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert not app.extensions["onhand"].faults
        site = own_site(onhand_sites, ours, database, app, settings)
        entities = site.found(["A", "B"], disabled={})
        yield Harm(site, [_shop(site, entity) for entity in entities])
        site.close()
        for name in [name for name in sys.modules if (folder / name.partition(".")[0]).exists()]:
            del sys.modules[name]


def _shop(site: Site, entity: Entity) -> Shop:
    def made(session, now):
        item = make_item(session, now, entity.id)
        store = make_location(session, now, entity.id)
        receive(session, now, entity.id, store.id, {item.id: 1_000})
        return make_channel(session, now, entity.id, store.id), store, item.id, item.sku

    channel, store, item_id, sku = site.transact(made, [entity])
    permissions = ("reservations.hold", "reservations.read", "channels.post_events")
    program = ApiClient(site.app, site.token(entity, *permissions, source=channel.code))
    return Shop(site, entity, channel, store, item_id, sku, program)
