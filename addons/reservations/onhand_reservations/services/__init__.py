"""The verbs of reservations. The only code that writes."""

from onhand_reservations.services.availability import Availability, availability, promisable
from onhand_reservations.services.cancelling import cancel
from onhand_reservations.services.claiming import claims, end_promises
from onhand_reservations.services.expiry import expire_due, make_room
from onhand_reservations.services.extending import extend
from onhand_reservations.services.holding import LINES_MAX, QUANTITY_MAX, hold
from onhand_reservations.services.overdue import tell_overdue
from onhand_reservations.services.settling import confirm, fulfil, lock, release

__all__ = [
    "LINES_MAX", "QUANTITY_MAX", "Availability", "availability", "cancel", "claims", "confirm", "end_promises",
    "expire_due", "extend", "fulfil", "hold", "lock", "make_room", "promisable",
    "release", "tell_overdue",
]  # fmt: skip
