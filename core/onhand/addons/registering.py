"""The hooks of add-ons, registered in the order of their requirements, and refused where they would not be called."""

import importlib
import importlib.util
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

import pluggy

from onhand import hookspecs
from onhand.addons.faults import BrokenAddon, blame
from onhand.addons.graph import Addon
from onhand.addons.untouched import untouched
from onhand.hooks import PROJECT

__all__ = ["CORE", "UnknownHook", "registered"]

CORE = "onhand"
"""The core's own name among the nouns: its contributions count as enabled everywhere."""


class UnknownHook(BrokenAddon):
    """An add-on implements a hook that nothing it is started with offers, most likely a misspelling."""


def registered(addons: Collection[Addon]) -> pluggy.PluginManager:
    """Return the hooks that the core and these add-ons offer and implement; BrokenAddon for the first that cannot be."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(hookspecs)
    for addon in addons:
        with untouched(addon.noun, doing := "when its hooks.py was imported"), blame(addon.noun, doing):
            if importlib.util.find_spec(f"{addon.package}.hooks"):
                hooks.add_hookspecs(importlib.import_module(f"{addon.package}.hooks"))
    hooks.register(importlib.import_module("onhand.plugin"), name=CORE)
    for addon in addons:
        with untouched(addon.noun, doing := "when its plugin.py was imported"), blame(addon.noun, doing):
            plugin = importlib.import_module(f"{addon.package}.plugin")
        _register(hooks, plugin, addon.noun)
    _verify(hooks)
    return hooks


def _register(hooks: pluggy.PluginManager, plugin: Any, noun: str) -> None:
    try:
        with blame(noun, "when its hooks were registered"):
            hooks.register(plugin, name=noun)
    except BrokenAddon as broken:
        if isinstance(broken.__cause__, pluggy.PluginValidationError):
            raise _misfit(broken.__cause__, noun) from broken.__cause__
        raise


def _misfit(error: pluggy.PluginValidationError, noun: str) -> BrokenAddon:
    said = " ".join(str(error).replace(f"Plugin {noun!r} for hook", "for hook").split())
    return BrokenAddon.of(noun, f"implements a hook otherwise than its spec says ({said})")


def _verify(hooks: pluggy.PluginManager) -> None:
    """Refuse what would not be called as it is meant: a hook that nobody offers, or one that wraps the others' answers."""
    callers = {name: caller for name, caller in vars(hooks.hook).items() if isinstance(caller, pluggy.HookCaller)}
    offered = [name for name, caller in callers.items() if caller.has_spec()]
    for name, caller in callers.items():
        for impl in caller.get_hookimpls():
            if impl.wrapper or impl.hookwrapper:
                raise BrokenAddon.of(impl.plugin_name, f"wraps the hook {name!r}", "have it implement the hook instead")
            if name not in offered and not impl.optionalhook:
                near = get_close_matches(name, offered, 3)
                raise UnknownHook.of(
                    impl.plugin_name,
                    f"implements the hook {name!r}, which neither Onhand nor what it is started with offers"
                    + (f" (near to it: {', '.join(near)})" if near else ""),
                    "require the add-on that offers it in pyproject.toml and install again (pip install -e .); if it need "
                    "not be there, mark it hookimpl(optionalhook=True)",
                )
