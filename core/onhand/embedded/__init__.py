"""PostgreSQL and Valkey from wheels, in a folder of ours, for as long as somebody needs them.

`services(folder)` keeps its data in the folder; `temporary_services()` forgets everything. `attach(folder)` finds
what another process holds there.
"""

from onhand.embedded.addresses import Addresses
from onhand.embedded.errors import EmbeddedError, FolderInUse, NotRunning, ServiceDied
from onhand.embedded.postgres import PostgresProcess, StopMode
from onhand.embedded.services import Services, attach, services, temporary_services
from onhand.embedded.valkey import ValkeyProcess

__all__ = [
    "Addresses",
    "EmbeddedError",
    "FolderInUse",
    "NotRunning",
    "PostgresProcess",
    "ServiceDied",
    "Services",
    "StopMode",
    "ValkeyProcess",
    "attach",
    "services",
    "temporary_services",
]
