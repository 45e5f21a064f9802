"""Exceptions (one per episode of a cause), the evidence for them, and what people did about them."""

from onhand_exceptions.models.desk import Act, ActRow, OwnerRules, Tally, View
from onhand_exceptions.models.digests import Delivery, Digest, Mail
from onhand_exceptions.models.found import SEARCHED, Activity, Evidence, Exception_, Filed, Occurrence, Word

__all__ = [
    "SEARCHED",
    "Act",
    "ActRow",
    "Activity",
    "Delivery",
    "Digest",
    "Evidence",
    "Exception_",
    "Filed",
    "Mail",
    "Occurrence",
    "OwnerRules",
    "Tally",
    "View",
    "Word",
]
