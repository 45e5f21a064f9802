"""The availability feed: mark what changed, take what is due within the budget, keep what the channel answered."""

from onhand_channels.services.feeding.answers import ATTEMPTS_MAX, bring, settle
from onhand_channels.services.feeding.batches import WRITES_PER_MINUTE, Batch, ready, take
from onhand_channels.services.feeding.gaps import standing
from onhand_channels.services.feeding.marks import IN_FLIGHT_MINUTES, Marked, mark
from onhand_channels.services.feeding.resending import count_resent, resend, retry_numbers
from onhand_channels.services.feeding.serving import publisher_of, publishers, served

__all__ = [
    "ATTEMPTS_MAX", "IN_FLIGHT_MINUTES", "WRITES_PER_MINUTE", "Batch", "Marked", "bring", "count_resent", "mark", "publisher_of",
    "publishers", "ready", "resend", "retry_numbers", "served", "settle", "standing", "take",
]  # fmt: skip
