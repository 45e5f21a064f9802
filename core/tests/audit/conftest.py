import json

import pytest
from onhand import audit
from onhand.audit import sealing
from onhand.audit.verification import verify
from onhand.testing.people import TESTER
from onhand.transaction import every_entity, run


@pytest.fixture(scope="session")
def addons():
    """The core alone."""
    return []


@pytest.fixture
def write(transact, entities):
    """`write(3, entity=a)`: add so many rows, each in a transaction of its own, and return their ids."""

    def rows(count=1, *, entity=entities[0], subject="thing", **more):
        def one(session, now, number):
            kept = {
                "before": {"depth": number},
                "after": {"depth": number + 1, "note": "naïve ✓"},
                "reason": None,
                **more,
            }
            audit.record(
                session,
                TESTER,
                "thing.change",
                subject if subject != "thing" else f"thing:{number}",
                entity_id=entity and entity.id,
                **kept,
            )
            session.flush()

        for number in range(count):
            transact(lambda session, now, number=number: one(session, now, number))

    return rows


@pytest.fixture
def sealed(app):
    """`sealed()`: seal what there is and return how many rows."""

    def seal():
        with app.app_context():
            return sealing.seal_now()

    return seal


@pytest.fixture
def verified(app):
    """`verified(*anchors)`: recompute everything."""

    def recompute(*anchors):
        with app.app_context():
            return run(lambda session, _: verify(session, anchors), entities=every_entity())

    return recompute


@pytest.fixture
def onhand(onhand):
    """`onhand("audit", "verify")`: run a command line on the site of the test, and read what it says."""

    def call(*words, exits=0):
        result = onhand(*words)
        assert result.exit_code == exits, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    return call
