"""Hooks: checked at the start, called in dependency order, and only for those who have the add-on."""

import sys
from datetime import UTC, datetime

import pytest
from onhand.addons import Addon, Addons, BrokenAddon, UnknownHook
from onhand.addons.timeline import Timeline
from onhand.hooks import kind_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SINCE = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def registry(addons):
    """In entity 1 both are on, in 2 lamp alone, in 3 both drain, in 4 none is on."""
    found = Addons(addons)
    rows = [(1, "lamp", "enabled"), (1, "shade", "enabled"), (2, "lamp", "enabled"), (3, "lamp", "draining"),
            (3, "shade", "draining"), (4, "lamp", "disabled")]  # fmt: skip
    found.timelines.refresh(1, lambda: Timeline((*row, SINCE) for row in rows))
    return found


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write an add-on: `written("torch", plugin="def menu(): ...", hooks="...")`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(noun, **files):
        package = tmp_path / f"onhand_{noun}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").touch()
        for name, source in files.items():
            (package / f"{name}.py").write_text(f"from onhand.hooks import contribute, hookimpl\n\n{source}\n")
        for known in [name for name in sys.modules if name.partition(".")[0] == package.name]:
            monkeypatch.delitem(sys.modules, known)  # of another test
        return Addon(noun, f"onhand-{noun}", "1", package.name)

    return write


def names_of(caller):
    return [impl.plugin_name for impl in caller.get_hookimpls()]


def test_implementation_of_a_hook_that_nobody_offers_stops_the_start(addons, written):
    torch = written("torch", plugin="@hookimpl\ndef permisions(): return []")
    with pytest.raises(UnknownHook, match=r"'torch' implements the hook 'permisions'.*near to it: permissions"):
        Addons([*addons, torch])


def test_hook_of_an_addon_that_is_not_installed_is_named(written, addons):
    torch = written("torch", plugin="@hookimpl\ndef colours(): return []")
    Addons([*addons, torch])
    with pytest.raises(UnknownHook, match=r"'torch' implements the hook 'colours'.*pip install -e.*optionalhook=True"):
        Addons([torch])


def test_argument_that_the_spec_does_not_have_stops_the_start(addons, written):
    torch = written("torch", plugin="@hookimpl\ndef menu(entity): return []")
    with pytest.raises(
        BrokenAddon, match=r"'torch' implements a hook otherwise than its spec says \(for hook 'menu'.*entity"
    ):
        Addons([*addons, torch])


def test_hook_offered_twice_stops_the_start(addons, written):
    torch = written("torch", hooks="@contribute\ndef colours(): return []")
    with pytest.raises(BrokenAddon, match="'torch' raised ValueError: Hook 'colours' is already registered"):
        Addons([*addons, torch])


def test_every_spec_knows_its_kind(registry):
    kinds = {name: kind_of(getattr(registry.manager.hook, name).spec.function) for name in
             ("menu", "colours", "brightest", "light_switched")}  # fmt: skip
    assert kinds == {"menu": "contribute", "colours": "contribute", "brightest": "decide", "light_switched": "observe"}


def test_contributions_are_gathered_in_dependency_order(registry):
    assert registry.gather("colours") == ["red", "green", "amber"]
    assert registry.gather_by_addon("colours") == [("lamp", ["red", "green"]), ("shade", ["amber"])]
    assert [noun for noun, _ in registry.gather_by_addon("permissions")] == ["onhand", "lamp"]


def test_contributions_for_an_entity_are_those_of_its_addons(registry):
    gathered = [registry.gather_for("colours", entity, NOW) for entity in (1, 2, 3, 4)]
    assert gathered == [["red", "green", "amber"], ["red", "green"], ["red", "green", "amber"], []]


def test_caller_sees_only_the_addons_that_are_on(registry):
    assert sorted(names_of(registry.caller("brightest", 1, NOW))) == ["lamp", "shade"]
    assert names_of(registry.caller("brightest", 2, NOW)) == ["lamp"]
    assert sorted(names_of(registry.caller("brightest", 3, NOW))) == ["lamp", "shade"]
    assert registry.caller("brightest", 2, NOW)(entity_id=2, now=NOW) == "lamp's in 2"
    assert registry.caller("brightest", 1, NOW)(entity_id=1, now=NOW) == "shade's in 1"


def test_caller_of_a_hook_that_nobody_implements_is_none(registry):
    assert registry.caller("dimmest", 1, NOW) is None
    assert registry.caller("brightest", 4, NOW) is None
    assert registry.caller("brightest", 1, SINCE.replace(year=1999)) is None
    assert registry.caller("brightest", 99, NOW) is None


def test_caller_is_made_once_per_set_of_addons(registry):
    assert registry.caller("brightest", 1, NOW) is registry.caller("brightest", 3, NOW)
    assert registry.caller("brightest", 1, NOW) is not registry.caller("brightest", 2, NOW)
    registry.timelines.refresh(2, lambda: Timeline([(2, "lamp", "enabled", SINCE), (2, "shade", "enabled", SINCE)]))
    assert sorted(names_of(registry.caller("brightest", 2, NOW))) == ["lamp", "shade"]


def test_core_is_on_everywhere(registry):
    assert registry.enabled(4, "onhand", NOW)
    assert [noun for noun, _ in registry.gather_for_by_addon("permissions", 4, NOW)] == ["onhand"]
