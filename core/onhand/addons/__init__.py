"""Add-ons: found by entry point, ordered by their package requirements, and for which entities each is on."""

from onhand.addons.graph import Addon, BrokenGraph, discover
from onhand.addons.registry import Addons, State, UnknownHook

__all__ = ["Addon", "Addons", "BrokenGraph", "State", "UnknownHook", "discover"]
