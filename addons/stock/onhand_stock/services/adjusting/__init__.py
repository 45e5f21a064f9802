"""Adjustments: asked for, weighed by policy, agreed to where rules demand it, and posted."""

from onhand_stock.services.adjusting.approving import ADJUSTMENT
from onhand_stock.services.adjusting.asks import Adjust, Adjusted, NotAdjusted, Outlook, kind_for
from onhand_stock.services.adjusting.recounts import Recount, recount
from onhand_stock.services.adjusting.verb import adjust, foresee

__all__ = [
    "ADJUSTMENT",
    "Adjust",
    "Adjusted",
    "NotAdjusted",
    "Outlook",
    "Recount",
    "adjust",
    "foresee",
    "kind_for",
    "recount",
]
