"""The verbs of approvals: ask, revise, amend, withdraw, decide."""

from onhand.approvals.services.amending import Amend, amend
from onhand.approvals.services.asking import Revision, Withdrawal, ask, revise, withdraw
from onhand.approvals.services.deciding import Decision, decide
from onhand.approvals.services.outcomes import Asked, Decided, Refused
from onhand.approvals.services.rules import NewRule, RuleRefused, change_rules, rules

__all__ = [
    "Amend", "Asked", "Decided", "Decision", "NewRule", "Refused", "Revision", "RuleRefused", "Withdrawal", "amend", "ask",
    "change_rules", "decide", "revise", "rules", "withdraw",
]  # fmt: skip
