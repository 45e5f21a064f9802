"""Hooks, events and payloads that do not fit are told."""

from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import pytest
from onhand.addons import Addons
from onhand.contract import hooks, payloads
from onhand.contributions import Permission
from onhand.hooks import guard, hookimpl, observe
from onhand.jobs import actor
from planting import SAMPLE, told


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
