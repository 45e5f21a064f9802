"""Sites that hostile add-ons are installed on, and another add-on's work on them."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis
from flask import Flask
from onhand import running
from onhand.addons import faults
from onhand.addons.graph import sort_out
from onhand.app import start
from onhand.db import db
from onhand.migrate import AddonsNotMigrated, upgrade
from onhand.testing import Entity
from onhand.testing.distribution import with_requirements
from onhand.testing.site import Site, Sites
from onhand_channels.testing import make_channel
from onhand_master_data.testing import make_item, make_location
from onhand_reservations.testing import hold_units
from onhand_stock.testing import receive

from hostile.at_the_start import LATE, NOT_MIGRATED, STARTING
from hostile.packages import write

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
        there = [write(folder, hostile) for hostile in (*STARTING, *NOT_MIGRATED, LATE)]
        late = LATE.addon
        with pytest.raises(AddonsNotMigrated):
            upgrade(database.owner_url, [*ours, *(hostile.addon for hostile in NOT_MIGRATED)])
        settings = replace(
            onhand_sites.site(ours).settings, database_url=database.url, owner_database_url=database.owner_url
        )
        patch.setattr(faults, "START_SECONDS_MAX", 3.0)
        app = start(settings, sort_out([*ours, *there]))
        patch.setattr(faults, "START_SECONDS_MAX", 60.0)
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
