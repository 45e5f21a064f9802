"""What has no help, no name of its own or no end is told."""

import sys
from dataclasses import replace

import click
import pytest
from onhand.contract import explained, figures
from onhand.contributions import ExceptionKind, Importer, Invariant, Kpi, Permission, PolicyType, PolicyVariable
from onhand.problems import Problem
from planting import contributing


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
