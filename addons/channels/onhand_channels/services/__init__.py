"""The verbs of channels. The only code that writes."""

from onhand_channels.services import feeding
from onhand_channels.services.arrivals import nameless
from onhand_channels.services.channel_rules import entity_codes
from onhand_channels.services.checklist import checklist
from onhand_channels.services.conflicts import settle_conflicts
from onhand_channels.services.consent import LIFECYCLE, request_steps
from onhand_channels.services.degradation import MODES, degrade, watch
from onhand_channels.services.event_types import event_types_of
from onhand_channels.services.health import health_of
from onhand_channels.services.intake import park, take_in
from onhand_channels.services.lifecycle import advance, judge
from onhand_channels.services.registry import (
    ask_channels,
    change_channels,
    channels_by_code,
    channels_of,
    create_channels,
    save_channels,
)
from onhand_channels.services.replaying import REPLAY_MAX, parked_ids, replay
from onhand_channels.services.sync_gaps import acknowledge, rejudge, standing_gaps

__all__ = [
    "LIFECYCLE",
    "MODES",
    "REPLAY_MAX",
    "acknowledge",
    "advance",
    "ask_channels",
    "change_channels",
    "channels_by_code",
    "channels_of",
    "checklist",
    "create_channels",
    "degrade",
    "entity_codes",
    "event_types_of",
    "feeding",
    "health_of",
    "judge",
    "nameless",
    "park",
    "parked_ids",
    "rejudge",
    "replay",
    "request_steps",
    "save_channels",
    "settle_conflicts",
    "standing_gaps",
    "take_in",
    "watch",
]  # fmt: skip
