"""What other add-ons may import of channels."""

from onhand_channels.delivering import Told, deliver
from onhand_channels.events import CancelledUnits, OrderLinesCancelled
from onhand_channels.feed_values import Acknowledged, Answer, Failed, FeedKey, Publisher, Stale, Throttled, Write
from onhand_channels.queries import order_units
from onhand_channels.schemas.cloudevents import EVENTS_MAX
from onhand_channels.services import (
    advance,
    ask_channels,
    change_channels,
    channels_by_code,
    channels_of,
    checklist,
    create_channels,
    replay,
    save_channels,
    standing_gaps,
    take_in,
)
from onhand_channels.services.feeding import retry_numbers
from onhand_channels.values import (
    Advance,
    Advanced,
    ChannelChange,
    ChannelDraft,
    ChannelRef,
    ChannelRefused,
    Check,
    Claim,
    Delivery,
    Demand,
    EventType,
    Fault,
    Foreseen,
    Incoming,
    OrderUnits,
    Outcome,
    Postable,
    Stayed,
)

__all__ = [
    "EVENTS_MAX", "Acknowledged", "Advance", "Advanced", "Answer", "CancelledUnits", "ChannelChange", "ChannelDraft", "ChannelRef",
    "ChannelRefused", "Check", "Claim", "Delivery", "Demand", "EventType", "Failed", "Fault", "FeedKey", "Foreseen", "Incoming",
    "OrderLinesCancelled", "OrderUnits", "Outcome", "Postable", "Publisher", "Stale", "Stayed", "Throttled", "Told", "Write", "advance", "ask_channels",
    "change_channels", "channels_by_code", "channels_of", "checklist", "create_channels", "deliver", "order_units", "replay", "retry_numbers", "save_channels", "standing_gaps", "take_in",
]  # fmt: skip
