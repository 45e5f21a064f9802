"""What the inbox shows: pages and REST."""

from onhand_exceptions.views import acting as acting
from onhand_exceptions.views import board as board
from onhand_exceptions.views import bulk as bulk
from onhand_exceptions.views import digests as digests
from onhand_exceptions.views import listing as listing
from onhand_exceptions.views import owning as owning
from onhand_exceptions.views.pages import exceptions
from onhand_exceptions.views.resources import exceptions_api

__all__ = ["exceptions", "exceptions_api"]
