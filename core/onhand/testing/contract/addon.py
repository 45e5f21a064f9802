"""The contract between the core and an add-on, as tests that an add-on inherits."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from onhand.addons import discover
from onhand.contract import CHECKS, Check, Subject, payloads
from onhand.contract.doors import open_to_all
from onhand.contract.tables import declared_tables
from onhand.testing.contract import boot, doors, enablement, migrations, pages, twice, use, walls
from onhand.testing.distribution import with_requirements
from onhand.testing.people import csrf_token
from onhand.testing.samples import Place, Sample, samples_of

if TYPE_CHECKING:
    from onhand.addons import Addon, Addons
    from onhand.testing.people import Entity
    from onhand.testing.site import Site, Sites

__all__ = ["AddonContract", "none_of"]


def none_of(faults: list[str]) -> None:
    """Fail with every fault on a line of its own."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


class AddonContract:
    """Subclass it as `TestContract` and name the add-on; each check is a test of its own.

    `public_endpoints`: those that everyone may ask. `act`: override it to have shown that the add-on does nothing for
    an entity where it is off, that others do not see what it does, and that what is told twice counts once. `protocols`:
    tables in which each run of a job is noted, and so grow by it.
    """

    addon: ClassVar[str]
    public_endpoints: ClassVar[frozenset[str]] = frozenset()
    protocols: ClassVar[frozenset[str]] = frozenset()

    def act(self, site: "Site", entity: "Entity") -> None:
        """Do what makes the add-on write rows of this entity, by means of the core and of what it requires."""
        pytest.skip("this add-on writes nothing of its own accord")

    @pytest.fixture(scope="class")
    @classmethod
    def addons(cls) -> "list[Addon]":
        """The add-on after those it requires, whatever the other tests of the distribution run with."""
        assert cls.addon in {addon.noun for addon in discover()}, f"there is no add-on {cls.addon}"
        return with_requirements({cls.addon})

    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls, onhand_sites: "Sites", addons: "list[Addon]") -> Subject:
        """The add-on in an application; what is in its database does not matter to who asks for this."""
        return Subject(next(addon for addon in addons if addon.noun == cls.addon), onhand_sites.site(addons).app)

    @pytest.fixture
    def described(self, subject: Subject) -> "Addon":
        """What the packaging metadata say of the add-on."""
        return subject.addon

    @pytest.fixture
    def registry(self, subject: Subject) -> "Addons":
        """The add-ons of the application."""
        return subject.addons

    @pytest.mark.parametrize("check", CHECKS, ids=str)
    def test_it_keeps_to(self, check: Check, subject: Subject) -> None:
        none_of([*check.faults(subject)])

    def test_routes_open_to_everyone_are_listed(self, subject: Subject) -> None:
        none_of([*open_to_all(subject.doors, self.public_endpoints)])

    def test_walls_stand_where_they_are_declared(
        self, described: "Addon", superuser: Callable[..., list[tuple[Any, ...]]]
    ) -> None:
        none_of(walls.wall_faults(superuser, self.addon, declared_tables(described.package)))

    def test_migrations_make_what_the_models_say(self, onhand_sites: "Sites", onhand_site: "Site") -> None:
        packages = ["onhand", *(addon.package for addon in onhand_site.addons)]
        models = migrations.modelled(onhand_sites.addresses, packages, self.addon)
        none_of(migrations.shape_faults(onhand_site.database, models, self.addon))

    def test_down_and_up_again_change_nothing(self, onhand_sites: "Sites", onhand_site: "Site") -> None:
        with onhand_sites.databases.passing(onhand_site.addons) as database:
            none_of(migrations.return_faults(database, onhand_site.addons, self.addon))

    def test_its_end_leaves_nothing_behind(self, onhand_sites: "Sites", onhand_site: "Site") -> None:
        others = [addon for addon in onhand_site.addons if addon.noun != self.addon]
        without = onhand_sites.databases.catalogue(others)
        with onhand_sites.databases.passing(onhand_site.addons) as database:
            none_of(migrations.leftovers(database, onhand_site.addons, self.addon, without))

    def test_it_boots_with_its_requirements_alone(self, onhand_site: "Site", described: "Addon") -> None:
        none_of(boot.boot_faults(onhand_site.settings, onhand_site.addons, described))

    def test_no_route_lets_in_who_may_not(self, onhand_site: "Site", entities: "tuple[Entity, Entity]") -> None:
        app = onhand_site.app
        powerless, token = onhand_site.browser(), onhand_site.token(entities[0])
        none_of(doors.refused_faults(app, doors.routes_of(app, self.addon), powerless, token))

    def test_routes_are_gone_where_it_is_off(self, onhand_site: "Site", disabled_in_b: "tuple[Entity, Entity]") -> None:
        app, (on, off) = onhand_site.app, disabled_in_b
        every = sorted(app.extensions["onhand_access"].permissions)
        browsers = (onhand_site.browser("admin", entity=on), onhand_site.browser("admin", entity=off))
        tokens = (onhand_site.token(on, *every), onhand_site.token(off, *every))
        none_of(doors.disabled_faults(app, doors.routes_of(app, self.addon), browsers, tokens))

    def test_hooks_are_not_called_where_it_is_off(
        self, onhand_site: "Site", registry: "Addons", disabled_in_b: "tuple[Entity, Entity]"
    ) -> None:
        on, off = disabled_in_b
        now = onhand_site.transact(lambda _, now: now)
        none_of(enablement.hook_faults(registry, self.addon, on.id, off.id, now))

    def test_nothing_is_written_where_it_is_off(
        self, onhand_site: "Site", described: "Addon", disabled_in_b: "tuple[Entity, Entity]"
    ) -> None:
        own = declared_tables(described.package)
        on, off = disabled_in_b
        for entity in disabled_in_b:
            self.act(onhand_site, entity)
        ask = onhand_site.database.superuser
        assert enablement.rows_of(ask, own, on.id), "the control: where it is on, it acts"
        assert not enablement.rows_of(ask, own, off.id)

    def test_what_it_writes_for_one_entity_no_other_sees(
        self, onhand_site: "Site", subject: Subject, entities: "tuple[Entity, Entity]"
    ) -> None:
        a, b = entities
        self.act(onhand_site, a)
        own = declared_tables(subject.addon.package)
        there = enablement.rows_of(onhand_site.database.superuser, own, a.id)
        assert there, "the control: there is something to see"
        none_of([*twice.seen_faults(onhand_site.transact, own, there, owner=a, other=b)])

    def test_what_is_told_twice_counts_once(
        self, onhand_site: "Site", subject: Subject, entities: "tuple[Entity, Entity]"
    ) -> None:
        a, b = entities
        self.act(onhand_site, a)
        onhand_site.drain()
        with twice.told_twice():
            self.act(onhand_site, b)
            onhand_site.drain()
        once, again = (self._rows(onhand_site, subject, entity) for entity in (a, b))
        assert once, "the control: there is something to count"
        none_of([*twice.counted_twice(once, again)])

    def test_jobs_done_twice_count_once(
        self, onhand_site: "Site", subject: Subject, entities: "tuple[Entity, Entity]"
    ) -> None:
        samples = payloads.kept(subject.package)
        scope = [entity.id for entity in entities]
        with onhand_site.app.app_context():
            none_of([*twice.job_faults(subject.actors, samples, scope, lambda: self._counted(onhand_site, subject))])

    def test_laws_hold_after_random_use(
        self, onhand_site: "Site", subject: Subject, entities: "tuple[Entity, Entity]"
    ) -> None:
        """Every door is asked of samples, and of nothing, with what chance gives: nothing breaks, and the books agree."""
        app, (a, _) = onhand_site.app, entities
        browser = onhand_site.browser("admin", entity=a)
        token = onhand_site.token(a, *sorted(app.extensions["onhand_access"].permissions))
        routes = doors.routes_of(app, self.addon)
        csrf = csrf_token(browser, "/") if routes else ""
        samples = self._samples(onhand_site, a)
        faults = [*use.use_faults(app, routes, browser, csrf, token, samples=samples, seed=20260105)]
        onhand_site.drain()
        laws = subject.addons.gather("invariants")
        none_of([*faults, *use.broken_laws(laws, onhand_site.database.superuser)])

    def test_pages_are_whole(self, onhand_site: "Site", entities: "tuple[Entity, Entity]") -> None:
        """Those without a variable in their address, as an administrator is given them where there is nothing yet."""
        browser = onhand_site.browser("admin", entity=entities[0])
        routes = [route for route in doors.routes_of(onhand_site.app, self.addon) if not route.names_a_thing]
        for path, text in pages.shown(browser, routes).items():
            none_of([*pages.page_faults(path, text)])

    @pytest.mark.browser
    def test_pages_are_for_everyone(
        self, onhand_site: "Site", subject: Subject, entities: "tuple[Entity, Entity]", request: pytest.FixtureRequest
    ) -> None:
        """Each in a browser, with samples where its address names a thing: nothing that axe finds, no scrolling sideways."""
        routes = doors.routes_of(onhand_site.app, self.addon)
        if not any(route.method == "GET" and not route.door.is_api for route in routes):
            pytest.skip("this add-on has no pages")
        chromium = request.getfixturevalue("chromium")
        browser = onhand_site.browser("admin", entity=entities[0])
        samples = self._samples(onhand_site, entities[0])
        shown = pages.shown(browser, [doors.of_samples(route, samples) for route in routes])
        none_of([*pages.sight_faults(chromium, onhand_site.app, browser, shown)])

    def _samples(self, site: "Site", entity: "Entity") -> dict[str, Sample]:
        place = Place(entity, "sample")
        return site.transact(lambda session, now: samples_of(session, now, site.addons, place))

    def _counted(self, site: "Site", subject: Subject) -> dict[str, int]:
        return {name: rows for name, rows in self._rows(site, subject).items() if name not in self.protocols}

    @staticmethod
    def _rows(site: "Site", subject: Subject, entity: "Entity | None" = None) -> dict[str, int]:
        own = declared_tables(subject.addon.package)
        return enablement.rows_of(site.database.superuser, own, None if entity is None else entity.id)

    @pytest.fixture
    def disabled_in_b(self, onhand_site: "Site") -> "tuple[Entity, Entity]":
        """Two entities: in the first all is on, in the second this add-on is off."""
        onhand_site.reset()
        a, b = onhand_site.found(["A", "B"], disabled={"B": [self.addon]})
        return a, b
