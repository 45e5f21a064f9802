"""Names that do not follow the noun are told."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from flask import Blueprint
from onhand.contract import names
from onhand.contributions import Permission
from onhand.jobs import actor
from planting import SAMPLE, contributing


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
