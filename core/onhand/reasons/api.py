"""Reason codes, as add-ons use them."""

from onhand.reasons.models import ReasonCode
from onhand.reasons.services import BadReason, check, reasons

__all__ = ["BadReason", "ReasonCode", "check", "reasons"]
