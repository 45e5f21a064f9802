"""What channels tell."""

from dataclasses import dataclass

__all__ = ["CancelledUnits", "OrderLinesCancelled"]


@dataclass(frozen=True, slots=True)
class CancelledUnits:
    """Units of an item that an order no longer wants: all that was cancelled by now, not what one event said."""

    channel_id: int
    order_reference: str
    item_id: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class OrderLinesCancelled:
    """A channel cancelled units of its orders."""

    entity_id: int
    units: tuple[CancelledUnits, ...]
