"""A checker that cannot fail proves nothing: the sample keeps the contract, and each check notices when it is broken."""

import pytest
from flask import Flask
from onhand.contract import CHECKS
from onhand.contributions import Invariant
from onhand.jobs import actor
from onhand.testing.catalogue import catalogue
from onhand.testing.contract import AddonContract, boot, doors, enablement, migrations, pages, twice, use, walls
from onhand.testing.people import csrf_token
from onhand_sample.models import Colour, Thing

GRANT_ON_A_PARTITION = """
CREATE TABLE sample.days (n int) PARTITION BY RANGE (n);
CREATE TABLE sample.day PARTITION OF sample.days DEFAULT;
GRANT SELECT ON sample.day TO onhand_app
"""
OF_A_DISTRIBUTION = {"one_noun_names_everything", "what_is_imported_is_required"}
TABLES = [Colour.__table__, Thing.__table__]


class TestSample(AddonContract):
    """The sample is not installed and lies in the core's tests, so what asks the packaging metadata is left out."""

    addon = "sample"

    @pytest.fixture(scope="class")
    @classmethod
    def addons(cls, sample):
        return [sample]

    @pytest.mark.parametrize("check", [each for each in CHECKS if str(each) not in OF_A_DISTRIBUTION], ids=str)
    def test_it_keeps_to(self, check, subject):
        assert [*check.faults(subject)] == []

    def act(self, site, entity):
        from datetime import UTC, datetime

        from onhand.events import Cause, ExceptionsRaised
        from onhand.jobs import drain
        from onhand.outbox import publish

        cause = Cause("one", entity.id, None, None, 1, datetime(2026, 1, 5, tzinfo=UTC), "One")
        site.transact(lambda session, now: publish(session, ExceptionsRaised(entity.id, "leak", (cause,))))
        with site.app.app_context():
            drain()


@pytest.fixture
def scratch(onhand_sites, sample):
    with onhand_sites.databases.passing([sample]) as database:
        yield database


@pytest.fixture(scope="module")
def migrated(onhand_sites, sample):
    with onhand_sites.databases.passing([sample]) as database:
        yield database


@pytest.fixture(scope="module")
def models(services):
    return migrations.modelled(services, ["onhand", "onhand_sample"], "sample")


@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE sample.thing DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE sample.thing NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY entity_wall ON sample.thing",
        "CREATE POLICY gap ON sample.thing USING (true)",
        "ALTER POLICY entity_wall ON sample.thing WITH CHECK (true)",
        "ALTER POLICY entity_wall ON sample.thing TO onhand_app",
        "ALTER TABLE sample.thing ALTER entity_id DROP NOT NULL",
        "GRANT TRUNCATE ON sample.thing TO onhand_app",
        "GRANT SELECT ON sample.thing TO PUBLIC",
        "CREATE POLICY odd ON sample.colour USING (code = 'red')",
        "CREATE TABLE sample.undeclared ()",
        "DROP TABLE sample.colour",
        GRANT_ON_A_PARTITION,
    ],
)
def test_a_gap_in_a_wall_is_told(migrated, sabotage):
    assert walls.wall_faults(migrated.superuser, "sample", TABLES) == []
    with migrated.undone():
        for statement in sabotage.split(";"):
            migrated.superuser(statement)
        assert walls.wall_faults(migrated.superuser, "sample", TABLES)


@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE sample.thing ADD later text",
        "ALTER TABLE sample.thing DROP seen_at",
        "ALTER TABLE sample.thing ALTER size TYPE bigint",
        "ALTER TABLE sample.thing ALTER name DROP NOT NULL",
        "ALTER TABLE sample.thing ALTER size SET DEFAULT 2",
        "ALTER TABLE sample.thing DROP CONSTRAINT thing_size_check",
        "ALTER TABLE sample.thing RENAME CONSTRAINT thing_size_check TO size_check",
        "ALTER TABLE sample.thing DROP CONSTRAINT thing_entity_id_fkey",
        "DROP INDEX sample.thing_entity_id_name_idx",
        "CREATE INDEX ON sample.thing (name)",
        "ALTER TABLE sample.thing ALTER id DROP IDENTITY",
    ],
)
def test_migrations_that_stray_from_the_models_are_told(migrated, models, sabotage):
    assert migrations.shape_faults(migrated, models, "sample") == []
    with migrated.undone():
        migrated.superuser(sabotage)
        assert migrations.shape_faults(migrated, models, "sample")


def test_what_the_end_leaves_behind_is_told(onhand_sites, scratch, sample):
    left = {
        "CREATE FUNCTION public.left_over() RETURNS int LANGUAGE sql AS 'SELECT 1'": "function public.left_over()",
        "GRANT SELECT ON onhand.entity TO PUBLIC": "grant onhand.entity to PUBLIC",
        "ALTER TABLE onhand.entity ADD sample_of text": "column onhand.entity.sample_of",
        "CREATE INDEX left_over ON onhand.entity (name)": "index onhand.left_over",
        "CREATE SEQUENCE onhand.left_over_too": "sequence onhand.left_over_too",
        "CREATE TYPE onhand.left_over_kind AS ENUM ('a')": "type onhand.left_over_kind",
    }
    for sabotage in left:
        scratch.superuser(sabotage)
    faults = migrations.leftovers(scratch, [sample], "sample", onhand_sites.databases.catalogue([]))
    assert [thing for thing in left.values() if not any(fault.startswith(thing) for fault in faults)] == []


def test_what_does_not_come_back_is_told(scratch, sample):
    lost = {
        "ALTER TABLE sample.thing SET (fillfactor = 50)": "table sample.thing",
        "GRANT DELETE ON sample.thing TO onhand_app": "grant sample.thing to onhand_app",
        "REVOKE USAGE ON SCHEMA sample FROM onhand_app": "grant sample to onhand_app",
        "CREATE TRIGGER odd BEFORE UPDATE ON sample.thing FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()": "trigger sample.thing.odd",
    }
    for sabotage in lost:
        scratch.superuser(sabotage)
    faults = migrations.return_faults(scratch, [sample], "sample")
    assert [thing for thing in lost.values() if not any(fault.startswith(thing) for fault in faults)] == []


def test_the_catalogue_leaves_partitions_out(migrated):
    before = catalogue(migrated.superuser)
    with migrated.undone():
        migrated.superuser("CREATE TABLE sample.days (n int PRIMARY KEY) PARTITION BY RANGE (n)")
        parent = catalogue(migrated.superuser)
        migrated.superuser("CREATE TABLE sample.day PARTITION OF sample.days DEFAULT")
        assert before != parent == catalogue(migrated.superuser)


def test_an_import_that_is_not_required_is_told(site, sample, tmp_path, monkeypatch):
    package = tmp_path / "onhand_sample"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text("import onhand_stock\n")
    (tmp_path / "onhand_stock.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    [fault] = boot.boot_faults(site.settings, [sample], sample)
    assert "onhand_stock is imported, but not among the requirements" in fault


def test_a_hook_that_ignores_enablement_is_told(app, transact, entities):
    addons = app.extensions["onhand"]
    on, off = entities  # the sample is on in both
    now = transact(lambda _, now: now)
    assert enablement.hook_faults(addons, "sample", on.id, off.id, now)


def test_routes_without_a_gate_are_told(site, entities):
    naked = Flask("naked")
    naked.extensions |= site.app.extensions
    naked.register_blueprint(site.app.blueprints["sample"])
    naked.register_blueprint(site.app.blueprints["sample_api"])
    routes = doors.routes_of(site.app, "sample")
    assert {str(route) for route in routes} == {
        "GET /sample/", "POST /sample/1", "GET /api/v1/things/new", "POST /api/v1/things",
    }  # fmt: skip
    powerless, token = site.browser(), site.token(entities[0])
    assert doors.refused_faults(site.app, routes, powerless, token) == []
    api = [route for route in routes if route.door.is_api]
    assert len(doors.refused_faults(naked, api, powerless, token)) == 2 * len(api)


def test_routes_that_ignore_enablement_or_refuse_everybody_are_told(site, entities):
    routes = doors.routes_of(site.app, "sample")
    browsers = (site.browser("admin", entity=entities[0]), site.browser("admin", entity=entities[1]))
    every = sorted(site.app.extensions["onhand_access"].permissions)
    tokens = (site.token(entities[0], *every), site.token(entities[1], *every))
    on_in_both = doors.disabled_faults(site.app, routes, browsers, tokens)
    assert len(on_in_both) == 3, "a page with a variable in its address answers 404 either way"
    powerless = (site.token(entities[0]), site.token(entities[1]))
    assert len(doors.disabled_faults(site.app, routes, browsers, powerless)) > 3


@pytest.fixture
def acted(site, entities):
    """A and B, and the sample having kept something of A."""
    TestSample().act(site, entities[0])
    return entities


def test_rows_that_others_see_or_their_owner_does_not_are_told(site, acted):
    a, b = acted

    def look():
        return [*twice.seen_faults(site.transact, TABLES, {"sample.thing": 1}, owner=a, other=b)]

    assert look() == []
    site.database.superuser("ALTER TABLE sample.thing DISABLE ROW LEVEL SECURITY")
    try:
        assert look() == ["1 rows of sample.thing are seen from another entity"]
    finally:
        site.database.superuser("ALTER TABLE sample.thing ENABLE ROW LEVEL SECURITY")
    assert [*twice.seen_faults(site.transact, TABLES, {"sample.thing": 2}, owner=a, other=b)] == [
        "2 rows are in sample.thing, of which their entity sees 1"
    ]


def test_what_counts_twice_is_told(site, entities):
    a, b = entities

    def count(entity):
        return enablement.rows_of(site.database.superuser, TABLES, entity.id)

    TestSample().act(site, a)
    index = "CREATE UNIQUE INDEX thing_entity_id_name_idx ON sample.thing (entity_id, name)"
    site.database.superuser("DROP INDEX sample.thing_entity_id_name_idx")  # what the sample's verb leans on
    try:
        with twice.told_twice():
            TestSample().act(site, b)
        assert [*twice.counted_twice(count(a), count(b))] == [
            "sample.thing has 1 rows where events are told once, 2 where twice"
        ]
    finally:
        site.database.superuser("TRUNCATE sample.thing")
        site.database.superuser(index)


def test_a_job_that_makes_more_each_time_is_told():
    made = []

    @actor(addon="sample")
    def grows(entities):
        made.append(1)

    samples = {"events": {}, "jobs": {grows.name: [{}]}}
    [fault] = twice.job_faults([grows], samples, [1], lambda: {"sample.thing": len(made)})
    assert "done twice makes 2 rows of sample.thing, not 1" in fault


def test_requests_that_break_something_and_broken_laws_are_told(site, entities, monkeypatch):
    routes = doors.routes_of(site.app, "sample")
    browser, token = site.browser("admin", entity=entities[0]), site.token(entities[0], "sample.read", "sample.edit")
    csrf = csrf_token(browser, "/")
    assert [*use.use_faults(site.app, routes, browser, csrf, token, samples={}, seed=1)] == []
    monkeypatch.setitem(site.app.view_functions, "sample_api.add_thing", lambda: ("", 500))
    assert len([*use.use_faults(site.app, routes, browser, csrf, token, samples={}, seed=1)]) == use.ROUNDS
    laws = [
        Invariant("S1", "ones", "There is one.", "SELECT 1"),
        Invariant("S2", "none", "Fine.", "SELECT 1 WHERE false"),
    ]
    assert [*use.broken_laws(laws, site.database.superuser)] == ["S1 ones: There is one. 1 rows break it, first (1,)"]


PAGE = """<!doctype html><html lang="en"><title>T</title><h1>One</h1>
<label for="q">Q</label><input id="q"> <label>In <input name="in"></label> <input type="hidden" name="x">
<button>Go</button> <a href="/" aria-label="Home"><svg></svg></a> <a href="/y"><img alt="Y" src="y"></a>"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (' lang="en"', ""),
        ("<title>T</title>", "<title> </title>"),
        ("<h1>One</h1>", ""),
        ("<h1>One</h1>", "<h1>One</h1><h1>Two</h1>"),
        ('for="q"', 'for="p"'),
        ("<label>In ", ""),
        (">Go<", "><"),
        (' aria-label="Home"', ""),
        (' alt="Y"', ""),
        ("<h1>", '<h1 id="q">'),
        ("<h1>", '<h1 style="color: red">'),
    ],
)
def test_pages_that_are_not_whole_are_told(right, wrong):
    assert [*pages.page_faults("/", PAGE)] == []
    assert [*pages.page_faults("/", PAGE.replace(right, wrong))]


def test_pages_that_shut_people_out_are_told(chromium, site, entities, monkeypatch):
    browser = site.browser("admin", entity=entities[0])
    monkeypatch.setitem(site.app.view_functions, "sample.things", lambda: PAGE.replace(' alt="Y"', ""))
    found = [*pages.sight_faults(chromium, site.app, browser, ["/sample/"])]
    assert any(
        fault.startswith("/sample/: ") and "(image-alt, in 1 places) at 390, light: <img" in fault for fault in found
    )
