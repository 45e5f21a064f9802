"""The web shell: what every page looks like and hangs in. `init_app(app)` is all the factory calls."""

from onhand.web.amounts import minor_units
from onhand.web.install import init_app
from onhand.web.tables import Column

__all__ = ["Column", "init_app", "minor_units"]
