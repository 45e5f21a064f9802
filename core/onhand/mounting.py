"""Mounting: what add-ons contribute to the URL map, each route marked with the add-on it belongs to."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask

from onhand import rest
from onhand.access.doors import UndeclaredRoute, doors_of
from onhand.access.state import access_of
from onhand.addons import Addons, BrokenAddon
from onhand.addons.faults import blame

__all__ = ["mount"]

WHOLE_SITE = (
    "before_request_funcs", "after_request_funcs", "teardown_request_funcs", "url_value_preprocessors",
    "url_default_functions", "template_context_processors", "error_handler_spec",
)  # fmt: skip
CORE = "onhand"


def mount(app: Flask, addons: Addons) -> None:
    """Register blueprints and resources; BrokenAddon for an add-on whose routes cannot be, or may not be, on this site.

    Each must declare who may pass, by permissions that somebody contributes; take no address that is another's; and
    touch no request but its own. Lines of the menu must lead somewhere.
    """
    found: list[BrokenAddon] = []
    for noun, blueprints in addons.gather_by_addon("blueprints"):
        for blueprint in blueprints:
            with _watched(app, noun, found):
                app.register_blueprint(_owned(blueprint, noun))
    for noun, resources in addons.gather_by_addon("resources"):
        for resource in resources:
            with _watched(app, noun, found):
                rest.mount(app, _owned(resource, noun))
    found += _undeclared(app)
    for noun, items in addons.gather_by_addon("menu"):
        for item in items:
            if item.endpoint not in app.view_functions:
                what = f"has a line {item.label!r} in the menu that leads to no page, {item.endpoint}"
                found.append(BrokenAddon.of(noun, what))
    if found:
        raise BrokenAddon(found[0].fault, [broken.fault for broken in found[1:]])


@contextmanager
def _watched(app: Flask, noun: str, found: list[BrokenAddon]) -> Iterator[None]:
    """Note what is wrong with what the block registers; what the core registers is trusted."""
    if noun == CORE:
        yield
        return
    before = _whole_site(app)
    taken = {_address(rule): rule.endpoint for rule in app.url_map.iter_rules()}
    known = set(app.view_functions)
    try:
        with blame(noun, "when its pages were registered"):
            yield
    except BrokenAddon as broken:
        found.append(broken)
    if changed := [name for name, there in _whole_site(app).items() if there != before[name]]:
        what = f"would take part in every request of the site ({', '.join(changed)})"
        advice = "have its blueprint do so for its own requests: before_request, not before_app_request"
        found.append(BrokenAddon.of(noun, what, advice))
    others = {*app.extensions["onhand"].names} - {noun}
    for rule in app.url_map.iter_rules():
        if rule.endpoint in known:
            continue
        if other := taken.get(_address(rule)):
            what = f"takes the address {rule.rule}, which is that of {other}"
            found.append(BrokenAddon.of(noun, what, "choose another one"))
        elif (first := rule.rule.split("/")[1]) in others:
            what = f"takes the address {rule.rule}, where the pages of {first} are"
            found.append(BrokenAddon.of(noun, what, f"have its pages under /{noun}/"))


def _undeclared(app: Flask) -> Iterator[BrokenAddon]:
    """Yield add-ons with a route that does not say who may pass, or asks for what nobody can hold."""
    try:
        doors = doors_of(app)
    except UndeclaredRoute as error:
        owners = {getattr(app.blueprints.get(one.rpartition(".")[0]), "onhand_addon", CORE) for one in error.endpoints}
        if owners <= {CORE}:
            raise
        for noun in sorted(owners - {CORE}):
            yield BrokenAddon.of(noun, f"has routes of which it does not say who may pass; {error}")
        return
    known = access_of(app).permissions
    for (endpoint, _), door in sorted(doors.items()):
        if door.permission and door.permission not in known and door.addon not in {None, CORE}:
            what = f"has a route {endpoint} that requires {door.permission!r}, which no add-on contributes"
            yield BrokenAddon.of(str(door.addon), what, "contribute that permission")


def _address(rule: Any) -> tuple[str, frozenset[str]]:
    return rule.rule, frozenset(rule.methods or ()) - {"HEAD", "OPTIONS"}


def _whole_site(app: Flask) -> Mapping[str, Any]:
    """Return what is done for every request, by the name of where Flask keeps it."""
    found: dict[str, Any] = {}
    for name in WHOLE_SITE:
        kept = getattr(app, name).get(None)
        found[name] = (
            {code: dict(handlers) for code, handlers in kept.items()} if isinstance(kept, dict) else list(kept or ())
        )
    return found


def _owned(blueprint: Blueprint, noun: str) -> Blueprint:
    blueprint.onhand_addon = noun  # type: ignore[attr-defined]  # marked for us
    return blueprint
