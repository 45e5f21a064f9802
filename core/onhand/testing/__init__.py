"""What every distribution's tests stand on: real services, a clean database per test, and checks that come for free.

The pytest plugin is loaded by itself wherever `onhand` is installed; its fixtures are listed in `plugin`.
"""

from onhand.testing.database import Database
from onhand.testing.network import NetworkForbidden
from onhand.testing.people import PASSWORD, TESTER, ApiClient, Entity
from onhand.testing.site import Site
from onhand.testing.statements import Statements

__all__ = ["PASSWORD", "TESTER", "ApiClient", "Database", "Entity", "NetworkForbidden", "Site", "Statements"]
