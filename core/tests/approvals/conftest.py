"""A warehouse of bins with people in every role, and what tests of approvals ask of it again and again."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from onhand.access.services import RoleAt
from onhand.addons import Addon

SITE = str(Path(__file__).parent / "site")
if SITE not in sys.path:
    sys.path.insert(0, SITE)

BIN = Addon("bin", "onhand-bin", "1", "onhand_bin")
_keys = count(1)


@pytest.fixture(scope="session")
def addons():
    return [BIN]


@dataclass
class House:
    """Entity A with a bin of 100, a clerk, two store managers and two of governance."""

    transact: Callable[..., Any]
    entity: Any
    bin: int
    clerk: Any
    manager: Any
    manager2: Any
    governor: Any
    governor2: Any

    def today(self, zone):
        """Return the day it is now in a time zone, as a form sends it."""
        return self.transact(lambda _, now: now).astimezone(ZoneInfo(zone)).date().isoformat()

    def request(self, quantity, **more):
        from onhand.approvals.api import ApprovalRequest, Change

        asked = ApprovalRequest(
            kind="bin.set",
            key=f"key-{next(_keys)}",
            title=f"{quantity:+} in bin {self.bin}",
            entity_id=self.entity.id,
            subject=f"bin:{self.bin}",
            quantity=quantity,
            changes=(Change("Quantity", 100, 100 + quantity, "each"),),
            payload={"bin": self.bin},
        )
        return replace(asked, **more)

    def ask(self, quantity, by=None, at=None, **more):
        from onhand.approvals.api import ask

        by = self.clerk.actor if by is None else getattr(by, "actor", by)
        request = self.request(quantity, **more)
        return self.transact(lambda session, now: ask(session, [request], by=by, now=at or now)[0])

    def decide(self, asked, by, verdict="approve", reason=None, version=None, at=None):
        from onhand.approvals.api import Decision, decide

        decision = Decision(
            asked.id, version or asked.version, verdict, reason or ("no" if verdict != "approve" else None)
        )
        by = getattr(by, "actor", by)
        return self.transact(lambda session, now: decide(session, [decision], by=by, now=at or now)[0])

    @property
    def held(self):
        from onhand_bin import services

        return self.transact(lambda session, now: services.held(session, self.bin))

    @property
    def changes(self):
        from onhand_bin import services

        return self.transact(lambda session, now: services.changes(session))

    def activity(self, asked):
        from onhand.db import cursor

        sql = "SELECT verb FROM onhand.approval_activity WHERE approval_id = %s ORDER BY id"
        return [
            row[0] for row in self.transact(lambda session, now: cursor(session).execute(sql, (asked.id,)).fetchall())
        ]


@pytest.fixture
def house(transact, entities, person):
    from onhand_bin import services

    a = entities[0]
    made = transact(lambda session, now: services.make(session, a.id, 100))
    people = {
        "clerk": person("clerk", name="Carla"),
        "manager": person(RoleAt("store_manager", a.id), name="Mona"),
        "manager2": person(RoleAt("store_manager", a.id), name="Max"),
        "governor": person(RoleAt("governance", a.id), name="Gina"),
        "governor2": person("governance", name="Gus"),
    }
    return House(transact, a, made, **people)
