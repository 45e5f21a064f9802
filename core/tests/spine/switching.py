"""The two add-ons, and what the tests of enablement say again and again."""

from onhand.addons import Addon
from onhand.enablement import Change, change, plan_change
from onhand.testing import TESTER
from onhand.transaction import context

__all__ = ["LAMP", "SHADE", "plan", "state", "switch"]

LAMP = Addon("lamp", "onhand-lamp", "1", "onhand_lamp")
SHADE = Addon("shade", "onhand-shade", "1", "onhand_shade", requires=("lamp",))


def switch(transact, entity, *wishes):
    """Change enablement: `switch(transact, a, ("lamp", "disabled"), ("shade", "enabled", later))`."""
    changes = [Change(entity.id, *wish) for wish in wishes]
    return transact(lambda session, now: change(session, changes, by=TESTER, now=now))


def plan(transact, entity, noun, state, at=None):
    return transact(lambda session, now: plan_change(session, Change(entity.id, noun, state, at), now=now))


def state(transact, entity, noun, at=None):
    return transact(lambda session, now: context(session).addons.state(entity.id, noun, at or now))
