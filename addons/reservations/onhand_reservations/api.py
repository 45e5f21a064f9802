"""What other add-ons may import of reservations."""

from onhand_reservations.services import (
    Availability,
    availability,
    confirm,
    expire_due,
    extend,
    fulfil,
    hold,
    release,
)
from onhand_reservations.values import (
    Change,
    Changed,
    Extended,
    Extension,
    Held,
    HeldLine,
    Hold,
    HoldRequest,
    LineQuantity,
    NotAllowed,
    OutOfStock,
    Shortfall,
    Unknown,
    WantedLine,
    Within,
)

__all__ = [
    "Availability", "Change", "Changed", "Extended", "Extension", "Held", "HeldLine", "Hold", "HoldRequest", "LineQuantity", "NotAllowed",
    "OutOfStock", "Shortfall", "Unknown", "WantedLine", "Within", "availability", "confirm", "expire_due", "extend", "fulfil",
    "hold", "release",
]  # fmt: skip
