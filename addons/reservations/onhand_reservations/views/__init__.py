"""The doors: pages for people, hot doors for programs."""

from onhand_reservations.views import availability as availability
from onhand_reservations.views import availability_page as availability_page
from onhand_reservations.views import changes as changes
from onhand_reservations.views import documents as documents
from onhand_reservations.views import hold_page as hold_page
from onhand_reservations.views import holds as holds
from onhand_reservations.views import looking as looking
from onhand_reservations.views.door import door
from onhand_reservations.views.next_steps import next_steps
from onhand_reservations.views.pages import reservations
from onhand_reservations.views.tile import open_tile

__all__ = ["door", "next_steps", "open_tile", "reservations"]
