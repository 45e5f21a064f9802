"""The verbs of the ledger. The only code that writes."""

from onhand_stock.services.adjusting import (
    ADJUSTMENT,
    Adjust,
    Adjusted,
    NotAdjusted,
    Outlook,
    Recount,
    adjust,
    foresee,
    kind_for,
    recount,
)
from onhand_stock.services.counts import Count, Counted, count
from onhand_stock.services.posting import post
from onhand_stock.services.reversals import AlreadyReversed, NoSuchMovement, NotReversible, reverse, why_not_reversible
from onhand_stock.services.verification import Finding, verify

__all__ = [
    "ADJUSTMENT",
    "Adjust",
    "Adjusted",
    "AlreadyReversed",
    "Count",
    "Counted",
    "Finding",
    "NoSuchMovement",
    "NotAdjusted",
    "NotReversible",
    "Outlook",
    "Recount",
    "adjust",
    "count",
    "foresee",
    "kind_for",
    "post",
    "recount",
    "reverse",
    "verify",
    "why_not_reversible",
]
