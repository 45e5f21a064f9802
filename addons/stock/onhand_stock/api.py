"""What other add-ons may import of the ledger."""

from onhand.access import actor_names

from onhand_stock.kinds import MovementKind
from onhand_stock.movements import Accepted, Entry, Group, Move, Objection, Refused, Shortfall
from onhand_stock.naming import movement_name
from onhand_stock.places import cause_at, item_page, places_named
from onhand_stock.queries import BalanceRow, LedgerRow, as_of, balances, entries_of, history
from onhand_stock.services import (
    Adjust,
    Adjusted,
    AlreadyReversed,
    Count,
    Counted,
    Finding,
    NoSuchMovement,
    NotAdjusted,
    NotReversible,
    adjust,
    count,
    post,
    reverse,
    verify,
)
from onhand_stock.settings import worth
from onhand_stock.states import OUTSIDE, PHYSICAL, STATES

__all__ = [
    "OUTSIDE", "PHYSICAL", "STATES", "Accepted", "Adjust", "Adjusted", "AlreadyReversed", "BalanceRow", "Count", "Counted", "Entry",
    "Finding", "Group", "LedgerRow", "Move", "MovementKind", "NoSuchMovement", "NotAdjusted", "NotReversible", "Objection", "Refused", "Shortfall", "actor_names",
    "adjust", "as_of", "balances", "cause_at", "count", "entries_of", "history", "item_page", "movement_name", "places_named", "post",
    "reverse", "verify", "worth",
]  # fmt: skip
