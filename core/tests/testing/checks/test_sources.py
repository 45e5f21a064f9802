"""Lines of source that break a house rule are told."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from onhand.contract import sources
from planting import SAMPLE, told

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


def test_what_tests_run_by_need_not_be_installed(package, monkeypatch):
    """A site has no pytest, and is where `onhand addon check` looks at a wheel."""

    def without(name):
        raise ModuleNotFoundError("No module named 'pytest'")

    monkeypatch.setattr(sources, "import_module", without)
    lines = "from onhand.testing.samples import Place\nfrom onhand.testing import people\nfrom onhand.testing.samples import F\n"
    assert [fault.partition(" ")[0] for fault in told(package, "testing.py", lines, sources.core_names)] == [
        "testing.py:3"
    ]


def test_an_import_that_is_not_required_is_told(package):
    subject = SimpleNamespace(addon=replace(SAMPLE, distribution="onhand", extras=("stock",)), package=package)
    (package / "stock.py").write_text("import onhand_stock\n")  # the core requires no add-on, and has no such extra
    (package / "jobs.py").write_text("import json, flask, pluggy, pytest\n")
    assert [fault.partition(", ")[0] for fault in sources.declared(subject)] == [
        "jobs.py:1 imports pytest",
        "stock.py:1 imports onhand_stock",
    ]
