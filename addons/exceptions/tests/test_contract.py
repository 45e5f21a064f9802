"""What every add-on is checked for."""

from datetime import UTC, datetime

from onhand.events import Cause, ExceptionsRaised
from onhand.jobs import drain
from onhand.outbox import publish
from onhand.testing.contract import AddonContract


class TestContract(AddonContract):
    addon = "exceptions"

    def act(self, site, entity):
        """Tell that something is wrong there."""
        cause = Cause("item:1@location:1", entity.id, 1, 1, 1, datetime(2026, 1, 5, tzinfo=UTC), "One missing")
        site.transact(lambda session, now: publish(session, ExceptionsRaised(entity.id, "leak", (cause,))))
        with site.app.app_context():
            assert drain().failed == 0
