"""What channels show: the event door, REST and pages."""

from onhand_channels.views.channels_api import channels_api
from onhand_channels.views.door import door
from onhand_channels.views.edit_pages import edit_pages
from onhand_channels.views.event_pages import event_pages
from onhand_channels.views.feed_api import feed_api
from onhand_channels.views.health_api import health_api
from onhand_channels.views.health_pages import health_pages
from onhand_channels.views.inbox_api import inbox_api
from onhand_channels.views.lifecycle_api import lifecycle_api
from onhand_channels.views.lifecycle_pages import lifecycle_pages
from onhand_channels.views.next_steps import next_steps
from onhand_channels.views.pages import channels
from onhand_channels.views.report_api import report_api
from onhand_channels.views.report_pages import report_pages
from onhand_channels.views.shadow_api import shadow_api
from onhand_channels.views.shadow_pages import shadow_pages

__all__ = [
    "channels",
    "channels_api",
    "door",
    "feed_api",
    "health_api",
    "inbox_api",
    "lifecycle_api",
    "next_steps",
    "report_api",
    "shadow_api",
]

assert event_pages is health_pages is lifecycle_pages is edit_pages is shadow_pages is report_pages is channels  # noqa: S101 - imported for their routes
