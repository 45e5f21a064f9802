"""Each check that needs no database notices when it is broken: a violation is planted for every one of them."""

import shutil
import sys
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import onhand_sample
import pytest
from flask import Blueprint
from jinja2 import Environment
from onhand.access.doors import Door
from onhand.addons import Addon, Addons
from onhand.contract import (
    CHECKS,
    Subject,
    doors,
    explained,
    figures,
    files,
    hooks,
    jobs,
    names,
    payloads,
    revisions,
    sources,
    tables,
)
from onhand.contributions import (
    ExceptionKind,
    Importer,
    Invariant,
    Kpi,
    MenuItem,
    Permission,
    PolicyType,
    PolicyVariable,
    Schedule,
)
from onhand.hooks import guard, hookimpl, observe
from onhand.jobs import actor
from onhand.migrate.runner import CORE
from onhand.problems import Problem
from onhand_sample.models import Thing
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

PACKAGE = Path(onhand_sample.__file__).parent
SAMPLE = Addon("sample", "onhand-sample", "1", "onhand_sample")


def told(package: Path, file: str, text: str, check) -> list[str]:
    """Write a file into a package, and return what a check has to say."""
    (package / file).parent.mkdir(parents=True, exist_ok=True)
    (package / file).write_text(text)
    return [*check(package)]


def contributing(**things):
    return SimpleNamespace(
        noun="sample", addon=SAMPLE, package=PACKAGE, blueprints=[], actors=[], contributed=lambda h: things.get(h, [])
    )


@pytest.fixture
def package(tmp_path):
    (tmp_path / "onhand_sample").mkdir()
    return tmp_path / "onhand_sample"


@pytest.mark.parametrize(
    "wrong", [{"noun": "Sample"}, {"noun": "my-sample"}, {"package": "sample"}, {"distribution": "onhand-simple"}]
)
def test_a_name_that_does_not_follow_is_told(wrong):
    assert [*names.nouns(SAMPLE)] == []
    assert [*names.nouns(replace(SAMPLE, **wrong))]


def test_a_distribution_that_does_not_offer_the_addon_is_told():
    assert [*names.entry_points(SAMPLE)] == [
        "onhand-sample offers {} as add-ons, not {'sample': 'onhand_sample.plugin'}"
    ]


def test_stray_templates_are_told(package):
    for path in ("templates/stray.html", "static/other/x.css", "templates/sample/fine.html"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).touch()
    assert [*names.folders(SimpleNamespace(package=package, noun="sample"))] == [
        "templates/stray.html lies outside of templates/sample/",
        "static/other/x.css lies outside of static/sample/",
    ]


def test_contributions_under_other_names_are_told():
    subject = contributing(permissions=[Permission("stock.read", "Look")])
    subject.blueprints = [Blueprint("stock", __name__), Blueprint("sample", __name__, url_prefix="/elsewhere")]
    subject.actors = [actor(queue="stock", addon="sample")(lambda entities: None)]
    assert len([*names.prefixes(subject)]) == 4


SOURCES = [
    (sources.verbs, "services.py", "from flask import request"),
    (sources.verbs, "services/things.py", "import werkzeug.exceptions"),
    (sources.verbs, "services.py", "from onhand.transaction import run"),
    (sources.clocks, "services.py", "at = datetime.now(UTC)"),
    (sources.clocks, "services.py", "at = datetime.datetime.utcnow()"),
    (sources.clocks, "services.py", "at = time.time()"),
    (sources.transactions, "services.py", "session.commit()"),
    (sources.transactions, "jobs.py", "db.session.rollback()"),
    (sources.views, "views.py", "session.execute(query)"),
    (sources.views, "views/pages.py", "session.scalars(query)"),
    (sources.public_doors, "plugin.py", "from onhand_stock.services import post"),
    (sources.public_doors, "plugin.py", "import onhand_stock.models"),
    (sources.public_doors, "plugin.py", "from onhand_stock.testing import receive"),
    (sources.public_doors, "plugin.py", "from onhand_stock import services"),
    (sources.core_names, "services.py", "from onhand.hooks import F"),
    (sources.core_names, "services.py", "from onhand.outbox import _is_observed"),
]


@pytest.mark.parametrize(("check", "file", "line"), SOURCES)
def test_a_line_that_breaks_a_house_rule_is_told(package, check, file, line):
    [fault] = told(package, file, f"{line}\n", check)
    assert fault.startswith(f"{file}:1 ")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("plugin.py", "from onhand_stock.api import post"),
        ("plugin.py", "from onhand_stock import api"),
        ("plugin.py", "from onhand import hooks"),
        ("testing.py", "from onhand_stock.testing import receive"),
        ("jobs.py", "from onhand.transaction import run"),
        ("views.py", "from flask import request"),
        ("services.py", "session.execute(query)"),
    ],
)
def test_a_line_that_keeps_the_house_rules_is_not(package, file, line):
    assert [fault for check in {check for check, _, _ in SOURCES} for fault in told(package, file, line, check)] == []


def test_an_import_that_is_not_required_is_told(package):
    subject = SimpleNamespace(addon=replace(SAMPLE, distribution="onhand", extras=("stock",)), package=package)
    (package / "stock.py").write_text("import onhand_stock\n")  # the core requires no add-on, and has no such extra
    (package / "jobs.py").write_text("import json, flask, pluggy, pytest\n")
    assert [fault.partition(", ")[0] for fault in sources.declared(subject)] == [
        "jobs.py:1 imports pytest",
        "stock.py:1 imports onhand_stock",
    ]


def plugged(name, **members):
    """Register a plug-in of these members, and return what a check is given of it."""
    addons = Addons([])
    plugin = ModuleType(name)
    vars(plugin).update(members)
    addons.manager.register(plugin, name="sample")
    return SimpleNamespace(addons=addons, noun="sample")


def menu() -> list[Permission]:
    return [1]


def tiles(entity_id: str):
    return []


def permissions() -> list[Permission]:
    return [Permission("sample.read", "Read"), "sample.edit"]


def test_implementations_that_do_not_fit_are_told():
    given = plugged("wrong", menu=hookimpl(menu), tiles=hookimpl(tiles), permissions=hookimpl(permissions))
    assert sorted(hooks.signatures(given)) == [
        "menu returns list[onhand.contributions.rules.Permission]; its spec says list[onhand.contributions.site.MenuItem]",
        "tiles takes entity_id as str; its spec says int",
    ]
    assert sorted(hooks.contributions(given)) == [
        "menu contains 1, no MenuItem",
        "permissions contains 'sample.edit', no Permission",
    ]
    assert [*hooks.contributions(plugged("none", menu=hookimpl(lambda: None)))] == ["menu returns NoneType, not a list"]


@dataclass
class ThingLost:
    name: str


@dataclass(frozen=True)
class ThingFound:
    entity_id: int
    name: str
    colour: str


def thing_seen(session, event: ThingLost, now) -> None:
    """observe."""


def thing_found(session, event: ThingFound, now) -> None:
    """observe, after the commit. Raising is retried."""


def may_think(session):
    """guard, before thinking: why not. Raising aborts."""


@pytest.fixture
def offering(package):
    addons = Addons([])
    specs = SimpleNamespace(
        __name__="onhand_sample.hooks",
        thing_seen=observe(thing_seen),
        thing_found=observe(thing_found),
        may_think=guard(may_think),
    )
    addons.manager.add_hookspecs(specs)
    return SimpleNamespace(addons=addons, addon=SAMPLE, package=package, actors=[], noun="sample")


def test_a_spec_that_does_not_say_what_raising_does_is_told(offering):
    assert [*hooks.specs(offering.addons, "onhand_sample")] == ["the spec thing_seen does not say what raising does"]


def test_events_that_are_not_what_they_should_be_are_told(offering):
    found = [fault for fault in payloads.events(offering) if "ThingLost" in fault]
    assert len(found) == 4, "not frozen, of no entity, elsewhere, and told to another hook"


@actor(addon="sample")
def look_at_one(entities, number: int, *, again: bool = False):
    """Look."""


def test_payloads_that_do_not_survive_are_told(offering):
    offering.actors = [look_at_one]
    first = [*payloads.samples(offering)]
    assert len(first) == 3, "two events and a job have no sample"
    assert payloads.keep(offering) == ["thing_found", "thing_seen", "sample.look_at_one"]
    assert [*payloads.samples(offering)] == []
    assert payloads.keep(offering) == [], "once is enough"
    lost = {
        "events": {"thing_found": [{"entity_id": 1, "name": "x"}], "gone": [{}]},
        "jobs": {"sample.look_at_one": [{"number": "one"}, {"colour": 1}]},
    }
    faults = told(offering.package, payloads.FILE, payloads.msgspec.json.encode(lost).decode(),
                  lambda _: payloads.samples(offering))  # fmt: skip
    assert sum("no longer be" in fault for fault in faults) == 3
    assert any("gone is gone" in fault for fault in faults)
    assert any("no sample of thing_found has the fields" in fault for fault in faults)


def silent(entities):
    pass


@pytest.mark.parametrize(
    "wrong",
    [
        actor(addon="sample")(silent),
        actor(addon="sample", attempts=1000)(print),
        actor(addon="sample", seconds_max=10**6)(print),
    ],
)
def test_an_actor_without_bound_or_reason_is_told(wrong):
    assert len([*jobs.actors([wrong])]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"every": timedelta(0)},
        {"cron": "often"},
        {"every": timedelta(hours=1), "actor": actor(addon="stock")(silent)},
    ],
)
def test_a_schedule_that_cannot_be_kept_is_told(wrong):
    fine = Schedule("sample.look", look_at_one, cron="0 3 * * *")
    assert [*jobs.schedules([fine], "sample")] == []
    assert len([*jobs.schedules([Schedule(**{"name": "x", "actor": look_at_one, **wrong})], "sample")]) == 1


def test_permissions_nobody_asks_for_are_told():
    assert [*doors.permissions(contributing(permissions=[Permission("sample.read", "See things")]))] == []
    [fault] = doors.permissions(contributing(permissions=[Permission("sample.sing", "Sing")]))
    assert fault.startswith("sample.sing ")


def test_lines_of_the_menu_that_lead_astray_are_told():
    subject = contributing(menu=[MenuItem("Here", "sample.here", "box", "sample.read"),
                                 MenuItem("There", "stock.balances", "box", "stock.read")])  # fmt: skip
    subject.doors = {("sample.here", "GET"): Door("sample.edit", "sample", False, False)}
    assert len([*doors.menu(subject)]) == 2


def test_public_routes_and_permissions_of_strangers_are_told():
    routes = {("sample.things", "GET"): Door("sample.read", "sample", is_api=False, is_hot=False)}
    assert [*doors.asked(routes, {"sample"}, {"sample.read"})] == []
    assert len([*doors.asked(routes, {"stock"}, {"sample.read"})]) == 1
    assert len([*doors.asked(routes, {"sample"}, {"sample.edit"})]) == 1
    bare = {key: replace(door, permission=None) for key, door in routes.items()}
    assert len([*doors.open_to_all(bare, frozenset())]) == 1
    assert [*doors.open_to_all(bare, {"sample.things"})] == []


OPERATION = {"summary": "Return a thing.", "responses": {"200": {}}}
ID = {"name": "id", "in": "path", "schema": {}}
CAMEL = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"get": OPERATION, "parameters": [ID]}, 0),
        ({}, 1),
        ({"get": OPERATION}, 1),
        ({"get": {**OPERATION, "summary": ""}, "parameters": [ID]}, 1),
        ({"get": {**OPERATION, "responses": {"422": {}}}, "parameters": [ID]}, 1),
        ({"get": OPERATION, "parameters": [{"name": "id", "in": "path"}]}, 1),
        ({"get": {**OPERATION, "responses": {"200": CAMEL}}, "parameters": [ID]}, 1),
    ],
)
def test_what_programs_are_not_told_is_told(said, faults):
    rule = SimpleNamespace(rule="/api/v1/things/<int:id>", endpoint="sample_api.thing", methods={"GET"})
    thing = {"type": "object", "properties": {"soldAt": {}}}
    subject = SimpleNamespace(
        doors={("sample_api.thing", "GET"): Door("sample.read", "sample", is_api=True, is_hot=False)},
        app=SimpleNamespace(url_map=SimpleNamespace(iter_rules=lambda: [rule])),
        description={"paths": {"/api/v1/things/{id}": said}, "components": {"schemas": {"Thing": thing}}},
    )
    assert len([*doors.descriptions(subject)]) == faults


def table(name, *columns, scope="system", schema="sample"):
    return Table(name, MetaData(), *columns, schema=schema, info={"scope": scope} if scope else {})


def test_tables_without_scope_schema_or_entity_are_told():
    wrong = [
        table("silent", scope=None),
        table("elsewhere", scope="group", schema="stock"),
        table("nobodys", scope="entity"),
        table("leaky", Column("entity_id", Integer), scope="entity"),
    ]
    assert len([*tables.scopes("sample", wrong)]) == 4


def test_tables_that_lean_on_strangers_are_told():
    leaning = table(
        "leaning", Column("item_id", ForeignKey("stock.item.id")), Column("of", ForeignKey("onhand.user.id"))
    )
    assert [*tables.references([leaning], {"onhand", "sample"})] == [
        "sample.leaning refers to stock.item.id, but stock is not required"
    ]


def test_objects_across_addons_are_told():
    relation = SimpleNamespace(key="user", mapper=SimpleNamespace(class_=Addon))
    mapper = SimpleNamespace(class_=Thing, relationships=[relation])
    assert [*tables.relationships("onhand_sample", [mapper])] == ["Thing.user leads to Addon of onhand.addons.graph"]


REVISION = 'revision = "sample_0002"\ndown_revision = "sample_0001"\ndef upgrade(): op()\ndef downgrade(): op()\n'


@pytest.mark.parametrize(
    "wrong",
    [
        REVISION.replace('"sample_0001"', "None"),
        REVISION.replace('"sample_0001"', '"sample_0000"'),
        REVISION.replace("sample_0002", "sample_0001").replace('n = "sample_0001"\ndef', 'n = "sample_0002"\ndef'),
        REVISION.replace('"sample_0002"', '"widget_0002"'),
        REVISION.replace("def downgrade(): op()", "def downgrade(): pass"),
        REVISION.replace("revision", "version"),
    ],
)
def test_revisions_that_are_no_line_are_told(package, wrong):
    shutil.copytree(PACKAGE / "migrations", package / "migrations")

    def check(found):
        return revisions.line(found, "sample")

    assert told(package, "migrations/versions/0002_more.py", REVISION, check) == []
    assert told(package, "migrations/versions/0002_more.py", wrong, check)


def test_revisions_that_import_the_code_are_told(package):
    line = "from onhand_sample.models import Thing\nfrom onhand.migrate import grant\n"
    assert len(told(package, "migrations/versions/0001_things.py", line, revisions.imports)) == 1


def test_what_has_no_help_is_told():
    group = click.Group("sing", help="Sing.")
    group.add_command(click.Command("aria", params=[click.Option(["--loud"], type=int)]))
    subject = contributing(
        permissions=[Permission("sample.sing", " ")],
        policies=[PolicyType("sample.loud", "Loudness", int, 1, "Loud.", variables=(PolicyVariable("who", str, ""),))],
        importers=[Importer("songs", "Songs", None)],
        commands=[group],
    )
    assert len([*explained.contributed(subject)]) == 4
    assert len([*explained.commands(subject)]) == 2


def test_refusals_that_cannot_be_told_apart_are_told():
    def refusal(**members):
        return type("TooLoud", (Problem,), {"__module__": "onhand_sample.services", **members})

    fine = refusal(__doc__="It is too loud.", type="too-loud", title="Too loud", status=409)
    wrong = refusal(__doc__=None, type="quiet", title="Too loud", status=200)
    assert [*explained.problems("onhand_sample", {"too-loud": fine})] == []
    assert len([*explained.problems("onhand_sample", {"too-loud": fine, "quiet": wrong})]) == 3
    assert [*explained.problems("onhand_other", {"too-loud": fine, "quiet": wrong})] == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("__all__ = ['sing']\ndef sing(): 'Sing.'", 0),
        ("def sing(): 'Sing.'", 1),
        ("__all__ = ['sing']", 1),
        ("__all__ = ['sing']\ndef sing(): ...", 1),
    ],
)
def test_promises_that_are_not_listed_or_documented_are_told(tmp_path, monkeypatch, text, faults):
    package = tmp_path / "onhand_planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text('"""Sings."""')
    (package / "api.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("onhand_planted")]:
        monkeypatch.delitem(sys.modules, name)
    assert len([*explained.public_names("onhand_planted")]) == faults


def test_exception_kinds_that_are_not_one_of_a_kind_are_told():
    def kind(name, **more):
        return ExceptionKind(name, "Leak", lambda *_: [], **more)

    one, loud, late = kind("leak"), kind("loud", severity=9), kind("late", hours_policy="sample.hours")
    assert [*figures.kinds([one, late], [one, late], {"sample.hours"})] == []
    assert len([*figures.kinds([one, loud, late], [one, one, loud, late], set())]) == 3


def test_figures_without_an_end_are_told():
    kpi = Kpi("k", "K", "What it is", "sample.read", "SELECT 1 LIMIT 1", (), "SELECT 2 LIMIT 9", ())
    assert [*figures.figures([kpi], {"sample.read"})] == []
    wrong = replace(kpi, sql="DELETE FROM x", rows_sql="SELECT 1")
    assert len([*figures.figures([wrong], set())]) == 4


def test_laws_that_write_or_share_a_name_are_told():
    law = Invariant("S1", "sums", "Sums are sums", "/* law */ SELECT 1")
    assert [*figures.laws([law], [law])] == []
    assert len([*figures.laws([replace(law, sql="UPDATE x SET y = 1")], [law, law])]) == 2


PAGES = [
    (files.inline, "<script>alert(1)</script>"),
    (files.inline, '<p style="color: red">'),
    (files.inline, '<a class="x" onclick="go()">'),
    (files.inline, "<style>p {}</style>"),
    (files.inline, '<a href="javascript:go()">'),
    (files.outside, '<script src="https://cdn.example/x.js"></script>'),
    (files.outside, '<link rel="stylesheet" href="//cdn.example/x.css">'),
    (files.outside, "<img alt='' src='http://cdn.example/x.png'>"),
    (files.forms, '<form method="post" action="/x"><button>Go</button></form>'),
]
FINE = """
{# <script>in a comment</script> #}
<script src="{{ asset('x.js') }}"></script> <a href="https://example.org">elsewhere</a>
<form method="get"></form> <form method="post">{{ ui.csrf() }}</form>
"""


@pytest.mark.parametrize(("check", "text"), PAGES)
def test_pages_that_a_browser_would_not_let_be_are_told(package, check, text):
    assert told(package, "templates/sample/fine.html", FINE, check) == []
    [fault] = told(package, "templates/sample/page.html", f"\n{text}", check)
    assert fault.startswith("templates/sample/page.html:2 ")


@pytest.mark.parametrize("text", ["@import 'https://x.example/x.css'", "p { background: url(//x.example/x.png) }"])
def test_style_sheets_that_fetch_from_elsewhere_are_told(package, text):
    assert len(told(package, "static/sample/x.css", text, files.outside)) == 1


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{% extends "onhand/base.html" %}{% include "sample/part.html" %}', 0),
        ('{% extends "stock/base.html" %}', 1),
        ("{% if %}", 1),
    ],
)
def test_templates_that_build_on_strangers_are_told(package, text, faults):
    def check(found):
        return files.templates(found, "sample", Environment(autoescape=True), {"onhand"})

    assert len(told(package, "templates/sample/page.html", text, check)) == faults


def test_every_check_says_what_to_do_under_a_name_of_its_own():
    assert len({each.name for each in CHECKS}) == len(CHECKS) >= 30
    assert [each.name for each in CHECKS if not each.advice] == []


OF_ADDONS = {
    "one noun names everything", "contributions begin with the noun", "only run ends a transaction",
    "only public names of the core are imported", "what is imported is required", "routes ask for permissions there are",
    "tables say whose rows they have",
}  # fmt: skip
"""What the core is there to do for all others, or does under several nouns; its tables may be of an entity or of none."""


@pytest.fixture(scope="module")
def core(onhand_sites):
    return Subject(CORE, onhand_sites.site([SAMPLE]).app)


@pytest.mark.parametrize("check", [each for each in CHECKS if each.name not in OF_ADDONS], ids=str)
def test_the_core_keeps_to_what_it_asks_of_others(core, check):
    assert [*check.faults(core)] == []
