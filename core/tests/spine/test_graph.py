"""The graph of add-ons is the packaging metadata's, and what does not go together is named before anything starts."""

import sys

import pytest
from onhand.addons import Addon, BrokenGraph, discover
from onhand.addons.graph import in_order


@pytest.fixture
def packaging(tmp_path, monkeypatch):
    """Write distributions as an installer leaves them: `install("onhand-stock", "stock", "onhand-items>=1")`."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def install(name, noun=None, *requires, version="1.0", extras=()):
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
        lines += [f"Provides-Extra: {extra}" for extra in extras] + [f"Requires-Dist: {line}" for line in requires]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")
        if noun:
            (folder / "entry_points.txt").write_text(f"[onhand.addons]\n{noun} = onhand_{noun}.plugin\n")

    return install


def nouns(addons):
    return [addon.noun for addon in addons]


def test_requirements_come_first_whatever_their_names(packaging):
    packaging("onhand-alpha", "alpha", "onhand-middle")
    packaging("onhand-middle", "middle", "onhand_Zeta >= 1")
    packaging("onhand-zeta", "zeta")
    found = discover()
    assert nouns(found) == ["zeta", "middle", "alpha"]
    assert found[1] == Addon("middle", "onhand-middle", "1.0", "onhand_middle", requires=("zeta",))


def test_alike_addons_are_in_the_order_of_their_names(packaging):
    for noun in ("c", "a", "b"):
        packaging(f"onhand-{noun}", noun)
    assert nouns(discover()) == ["a", "b", "c"]


def test_extra_orders_the_graph_but_is_no_requirement(packaging):
    packaging("onhand-alpha", "alpha", "onhand-zeta; extra == 'zeta'", "absent; extra == 'zeta'", extras=["zeta"])
    assert discover()[0].extras == ()
    packaging("onhand-zeta", "zeta")
    found = discover()
    assert nouns(found) == ["zeta", "alpha"]
    assert (found[1].requires, found[1].extras) == ((), ("zeta",))


def test_requirement_for_another_platform_is_none(packaging):
    packaging("onhand-alpha", "alpha", "onhand-zeta; python_version < '3'", "absent; sys_platform == 'amiga'")
    packaging("onhand-zeta", "zeta")
    assert discover()[0].requires == ()


@pytest.mark.parametrize("requirement", ["onhand-stock>=2", "some-library>=2"])
def test_missing_requirement_is_named_with_what_to_install(packaging, requirement):
    packaging("onhand-counts", "counts", requirement)
    with pytest.raises(BrokenGraph, match=rf"'counts' requires .* not installed: pip install '{requirement}'"):
        discover()


def test_requirement_of_another_version_is_named_with_what_to_install(packaging):
    packaging("onhand-counts", "counts", "onhand-stock>=2")
    packaging("onhand-stock", "stock", version="1.9")
    with pytest.raises(
        BrokenGraph, match=r"requires onhand-stock>=2, but 1\.9 is installed: pip install 'onhand-stock>=2'"
    ):
        discover()


def test_circle_is_told_in_the_direction_of_requiring(packaging):
    packaging("onhand-a", "a", "onhand-b")
    packaging("onhand-b", "b", "onhand-c")
    packaging("onhand-c", "c", "onhand-a")
    with pytest.raises(BrokenGraph, match=r"in a circle, (a → b → c → a|b → c → a → b|c → a → b → c):"):
        discover()


def test_two_distributions_of_one_noun_are_both_named(packaging):
    packaging("onhand-stock", "stock")
    packaging("better-stock", "stock")
    with pytest.raises(BrokenGraph, match=r"'better-stock' offers itself as 'stock'.*: better-stock and onhand-stock"):
        discover()


@pytest.mark.parametrize(
    "noun", ["onhand", "public", "pg_stock", "Stock", "stock-states", "1st", "a; DROP SCHEMA onhand"]
)
def test_noun_that_cannot_name_a_schema_is_refused(noun):
    with pytest.raises(BrokenGraph, match="names a PostgreSQL schema"):
        in_order([Addon(noun, "onhand-odd", "1", "onhand_odd")])


def test_addon_described_without_what_it_requires_is_refused():
    with pytest.raises(BrokenGraph, match="'shade' requires lamp, which is not installed"):
        in_order([Addon("shade", "onhand-shade", "1", "onhand_shade", requires=("lamp",))])


def test_installed_addons_can_be_ordered():
    found = discover()
    for position, addon in enumerate(found):
        assert {*addon.requires, *addon.extras} <= {*nouns(found[:position])}
