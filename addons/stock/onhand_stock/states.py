"""The closed vocabulary of stock states and outside accounts. Adding a state is a governed change."""

from typing import Final

__all__ = ["INDEX", "OUTSIDE", "PHYSICAL", "PROMISED", "SHORTAGE", "STATES", "on_hand"]

STATES: Final = (
    "receiving",
    "available",
    "reserved",
    "picked",
    "packed",
    "quarantined",
    "damaged",
    "customer_returned",
    "vendor_return_pending",
    "count_pending",
    "in_transit",
    "shortage",
)
"""Every column of a balance, in the order in which balances are held in memory."""

OUTSIDE: Final = ("supplier", "customer", "shrink", "scrap", "found", "intercompany")
"""Where stock comes from and goes to when it is not ours."""

SHORTAGE: Final = "shortage"
PHYSICAL: Final = frozenset(STATES) - {"in_transit", SHORTAGE}
"""States of units that are at the location."""

PROMISED: Final = frozenset({"reserved", "picked", "packed"})
"""States of units that belong to a demand."""

INDEX: Final = {state: position for position, state in enumerate(STATES)}


def on_hand(balance: list[int]) -> int:
    """Return the units at a location: every physical state, less what left though the book had none."""
    return sum(balance) - balance[INDEX["in_transit"]] - 2 * balance[INDEX[SHORTAGE]]
