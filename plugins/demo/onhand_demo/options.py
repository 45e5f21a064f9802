"""What a run of the demo can be asked for. The same options give the same world and the same stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Rates:
    """How often the real world misbehaves, each a share of what it is a rate of."""

    web_orders: float = 0.15
    """of baskets (of at most `web_lines_max` lines) become an order from the web, a call or a marketplace"""
    returned: float = 0.008
    """of sold lines come back to the store within the window"""
    duplicated: float = 0.02
    """of events are delivered a second time, body unchanged"""
    shuffled: float = 0.05
    """of events are delivered up to `shuffled_by` places earlier or later"""
    late: float = 0.008
    """of events wait for minutes or hours before they are sent"""
    altered: float = 0.0006
    """of events are delivered again under the same id with another quantity"""
    whole_baskets: float = 0.2
    """of stores post a basket as one event; the others post every scanned line as its own"""
    closing: float = 0.06
    """of stores, the quietest, post only at closing time, hours later"""


@dataclass(frozen=True, slots=True)
class Options:
    """A run: how much, from when, and the seed of every choice."""

    seed: int = 2017
    events: int = 80_000
    """sale events to take from the tills; orders, receipts, returns and repeated deliveries come on top"""
    stores: int = 36
    since: date = date(2017, 4, 3)
    batch: int = 500
    wave: int = 40
    """orders of the web taken, confirmed and shipped together"""
    web_lines_max: int = 15
    withheld: int = 8
    """products that are sold before anyone entered them as items; half are entered later"""
    unlisted_baskets: int = 12
    """baskets of one more store, which nobody ever entered as a location"""
    shuffled_by: int = 400
    rates: Rates = field(default_factory=Rates)
