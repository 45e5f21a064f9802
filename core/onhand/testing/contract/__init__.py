"""What every add-on is checked for, for free: subclass `AddonContract` in its tests and name the add-on."""

from onhand.testing.contract.addon import AddonContract

__all__ = ["AddonContract"]
