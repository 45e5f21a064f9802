from onhand.contributions import ApprovalKind, ApprovalTier, Permission
from onhand.hooks import hookimpl

from onhand_bin import services

TIERS = (
    ApprovalTier("store_manager", tier=1, quantity_from=10, amount_from_minor=100_00),
    ApprovalTier("governance", tier=2, quantity_from=40, amount_from_minor=1_000_00),
)


@hookimpl
def permissions():
    return [Permission("bin.read", "Look into bins"), Permission("bin.approve", "Approve changes of bins")]


@hookimpl
def approval_kinds():
    return [
        ApprovalKind(
            "bin.set", "Change of a bin", "bin.approve", apply=services.apply, recheck=services.recheck, tiers=TIERS
        ),
        ApprovalKind("bin.empty", "Emptying of a bin", "bin.approve", apply=services.apply, tiers=TIERS),
    ]
