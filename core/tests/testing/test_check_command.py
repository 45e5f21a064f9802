"""`onhand addon check`: what a partner runs against an installed add-on, without a database."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import onhand_sample
import pytest
from click.testing import CliRunner
from onhand.addons import Installed
from onhand.cli import main

KEPT_BUT = {"one noun names everything", "what is imported is required"}  # the sample is not installed


@pytest.fixture
def onhand(sample, monkeypatch):
    """Run `onhand` where the sample is all there is."""
    monkeypatch.setattr("onhand.addons.survey", lambda: Installed((sample,)))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(main, [*words], prog_name="onhand")


def test_each_check_is_told_with_what_to_do_where_it_fails(onhand):
    done = onhand("addon", "check", "onhand-sample", "--json")
    assert done.exit_code == 1
    rows = {row["check"]: row for row in json.loads(done.stdout)}
    assert len(rows) > 30
    assert {name for name, row in rows.items() if not row["is_kept"]} == KEPT_BUT
    assert all(rows[name]["advice"] and rows[name]["faults"] for name in KEPT_BUT)


def test_what_does_not_start_is_told_as_such(onhand, sample, tmp_path, monkeypatch):
    broken = tmp_path / "onhand_broken"
    shutil.copytree(Path(onhand_sample.__file__).parent, broken)
    (broken / "plugin.py").write_text("from onhand.hooks import hookimpl\n@hookimpl\ndef menus(): return []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    addon = replace(sample, noun="broken", package="onhand_broken", distribution="onhand-broken")
    monkeypatch.setattr("onhand.addons.survey", lambda: Installed((addon,)))
    done = onhand("addon", "check", "broken")
    assert done.exit_code == 1
    assert done.stdout.startswith("failed  it starts with what it requires\n")
    assert "'menus', which neither Onhand nor what it is started with offers (near to it: menu" in done.stdout


def test_an_addon_that_is_not_there_is_refused_by_name(onhand):
    done = onhand("addon", "check", "onhand-nothing")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: no installed add-on is called onhand-nothing; there are onhand-sample\n",
    )
