"""Approvals, as add-ons use them: kinds and what they hand over, verbs and what they answer."""

from onhand.approvals.kinds import Amendment, Applied, Approval, ApprovalRequest, Change, NotApplied, Proof
from onhand.approvals.services import (
    Asked,
    Decided,
    Decision,
    Refused,
    Revision,
    Withdrawal,
    ask,
    decide,
    revise,
    withdraw,
)
from onhand.contributions import ApprovalKind, ApprovalTier

__all__ = [
    "Amendment", "Applied", "Approval", "ApprovalKind", "ApprovalRequest", "ApprovalTier", "Asked", "Change", "Decided", "Decision",
    "NotApplied", "Proof", "Refused", "Revision", "Withdrawal", "ask", "decide", "revise", "withdraw",
]  # fmt: skip
