"""Add-ons: found by entry point, ordered by their package requirements, and for which entities each is on."""

from onhand.addons.boundary import failure_of
from onhand.addons.faults import BrokenAddon, Fault
from onhand.addons.graph import Addon, BrokenGraph, Installed, discover, survey
from onhand.addons.registering import UnknownHook
from onhand.addons.registry import Addons
from onhand.addons.timeline import State

__all__ = [
    "Addon", "Addons", "BrokenAddon", "BrokenGraph", "Fault", "Installed", "State", "UnknownHook", "discover", "failure_of", "survey",
]  # fmt: skip
