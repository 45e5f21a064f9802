"""Access: people, roles and tokens, and the gate in front of every route. What others use is re-exported from `api`."""

from onhand.access.api import *  # noqa: F403 - what `api` lists, and no more
from onhand.access.api import __all__ as __all__
