"""Tables and migrations that break the rules are told."""

import shutil
from types import SimpleNamespace

import pytest
from onhand.addons import Addon
from onhand.contract import revisions, tables
from onhand_sample.models import Thing
from planting import PACKAGE, told
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table


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
